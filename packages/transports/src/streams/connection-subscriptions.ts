import type { Principal } from '@meshwork/core';
import {
  type JSONRPCMessage,
  type ProtocolError,
  type RequestId,
  type Server,
  SUBSCRIPTION_ID_META_KEY,
  type SubscriptionFilter,
} from '@modelcontextprotocol/server';
import type { FanOut } from '../mcp/fan-out.ts';
import type { Topic } from '../mcp/hub-changes.ts';
import { MAX_URI_LENGTH, tooMuchWatched, watchedIn } from '../mcp/watch-limits.ts';

export interface ConnectionSubscriptionsOptions {
  readonly fanOut: FanOut;
  /** Who is at the other end, asked for each change. */
  readonly principal: () => Principal;
  /** Resources and lists one connection may watch, and `subscriptions/listen` requests it may have open. */
  readonly maxSubscriptions: number;
  readonly deliver: (text: string) => void;
}

/**
 * What one connection watches. The SDK's stdio entry answers `subscriptions/listen`; this reads its acknowledgements as they leave, so that
 * events go from the hub straight to those who asked, without a walk through every connection's SDK server.
 */
export interface ConnectionSubscriptions {
  /** The refusal when a request would watch too much. */
  refusalOf(message: JSONRPCMessage): ProtocolError | undefined;
  /** To be told of each message that has left. */
  sent(message: JSONRPCMessage): void;
  /** To be told which request was cancelled, before the SDK is. */
  cancelled(id: unknown): void;
  /** Serves a client of a 2025 revision: all lists, and the resources it subscribes to. */
  serveLegacy(server: Server): void;
  close(): void;
}

export function createConnectionSubscriptions({ fanOut, principal, maxSubscriptions, deliver }: ConnectionSubscriptionsOptions): ConnectionSubscriptions {
  const listening = new Map<unknown, { readonly things: number; end(): void }>();
  const resources = new Map<string, () => void>();
  let watched = 0;
  let endLists: (() => void) | undefined;

  const cancelled = (id: unknown) => {
    const known = listening.get(id);
    if (known === undefined) return;
    listening.delete(id);
    watched -= known.things;
    known.end();
  };

  return {
    refusalOf(message) {
      const wanted = watchedIn(message);
      if (wanted === undefined) return undefined;
      const isTooMuch = watched + wanted.things > maxSubscriptions || listening.size >= maxSubscriptions || wanted.longestUri > MAX_URI_LENGTH;
      return isTooMuch ? tooMuchWatched(maxSubscriptions) : undefined;
    },
    sent(message) {
      if (!('method' in message) || message.method !== 'notifications/subscriptions/acknowledged') return;
      const { notifications, _meta } = message.params as { notifications: SubscriptionFilter; _meta: Record<string, RequestId> };
      const id = _meta[SUBSCRIPTION_ID_META_KEY] as RequestId;
      const topics = topicsOf(notifications);
      cancelled(id);
      const things = topics.length + tasksIn(notifications);
      watched += things;
      listening.set(id, { things, end: fanOut.subscribe({ topics, id, principal, deliver }) });
    },
    cancelled,
    serveLegacy(server) {
      endLists?.();
      endLists = fanOut.subscribe({ topics: ['tools', 'resources', 'prompts'], principal, deliver });
      server.setRequestHandler('resources/subscribe', ({ params: { uri } }) => {
        if (resources.has(uri)) return {};
        if (resources.size >= maxSubscriptions || uri.length > MAX_URI_LENGTH) throw tooMuchWatched(maxSubscriptions);
        resources.set(uri, fanOut.subscribe({ topics: [{ uri }], principal, deliver }));
        return {};
      });
      server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
        resources.get(uri)?.();
        resources.delete(uri);
        return {};
      });
    },
    close() {
      endLists?.();
      for (const id of [...listening.keys()]) cancelled(id);
      for (const end of resources.values()) end();
      resources.clear();
    },
  };
}

function tasksIn(notifications: object): number {
  return 'taskIds' in notifications && Array.isArray(notifications.taskIds) ? notifications.taskIds.length : 0;
}

function topicsOf({ toolsListChanged, promptsListChanged, resourcesListChanged, resourceSubscriptions = [] }: SubscriptionFilter): Topic[] {
  return [
    ...(toolsListChanged ? (['tools'] as const) : []),
    ...(promptsListChanged ? (['prompts'] as const) : []),
    ...(resourcesListChanged ? (['resources'] as const) : []),
    ...[...new Set(resourceSubscriptions)].map((uri) => ({ uri })),
  ];
}
