import type { Hub, Principal } from '@meshwork/core';
import type { ServerEvent, ServerEventBus } from '@modelcontextprotocol/server';
import { createHearing, type Hearing } from './hearing.ts';
import { onHubChange, type Topic } from './hub-changes.ts';

/** The hub's events as the SDK's `subscriptions/listen` streams want them. */
export interface EventBus {
  /** The bus of one stream, which carries what its reader may see; who that is, is asked for each event. */
  busOf(principal: () => Principal): ServerEventBus;
  stop(): void;
}

interface Listener {
  readonly principal: () => Principal;
  readonly hearing: Hearing;
  readonly tell: (event: ServerEvent) => void;
}

export function createEventBus(hub: Hub, onError: (error: unknown) => void): EventBus {
  const listeners = new Set<Listener>();
  const publish = (topic: Topic) => {
    const event: ServerEvent = typeof topic === 'string' ? { kind: `${topic}_list_changed` } : { kind: 'resource_updated', uri: topic.uri };
    for (const { principal, hearing, tell } of listeners) {
      try {
        if (hearing.hears(principal(), topic)) tell(event);
      } catch (error) {
        onError(error);
      }
    }
  };
  return {
    busOf: (principal) => ({
      // Everything there is to say comes from the hub.
      publish: () => {},
      subscribe(tell) {
        const listener = { principal, hearing: createHearing(hub, principal()), tell };
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    }),
    stop: onHubChange(hub, publish),
  };
}
