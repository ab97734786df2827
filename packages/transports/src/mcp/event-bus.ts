import type { Hub } from '@meshwork/core';
import type { ServerEvent, ServerEventBus } from '@modelcontextprotocol/server';
import { onHubChange } from './hub-changes.ts';

/** The hub's events as the SDK's `subscriptions/listen` streams want them. */
export function createEventBus(hub: Hub, onError: (error: unknown) => void): { readonly bus: ServerEventBus; stop(): void } {
  const listeners = new Set<(event: ServerEvent) => void>();
  const publish = (event: ServerEvent) => {
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        onError(error);
      }
    }
  };
  const stop = onHubChange(hub, (topic) =>
    publish(typeof topic === 'string' ? { kind: `${topic}_list_changed` } : { kind: 'resource_updated', uri: topic.uri }),
  );
  return {
    bus: {
      publish,
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    stop,
  };
}
