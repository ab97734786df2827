import type { Hub, Principal } from '@meshwork/core';
import type { Server } from '@modelcontextprotocol/server';
import type { Hearing } from './hearing.ts';
import { onHubChange, type Topic } from './hub-changes.ts';
import { MAX_URI_LENGTH, MAX_WATCHED, tooMuchWatched } from './watch-limits.ts';

/** Which resources a 2025-revision client has subscribed to. Revision 2026-07-28 has `subscriptions/listen` instead, which the SDK filters. */
export function trackSubscriptions(server: Server): ReadonlySet<string> {
  const uris = new Set<string>();
  server.setRequestHandler('resources/subscribe', ({ params }) => {
    if (uris.has(params.uri)) return {};
    if (uris.size >= MAX_WATCHED || params.uri.length > MAX_URI_LENGTH) throw tooMuchWatched(MAX_WATCHED);
    uris.add(params.uri);
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    uris.delete(params.uri);
    return {};
  });
  return uris;
}

/** A connected client of a 2025 revision. */
export interface Listener extends Hearing {
  readonly server: Server;
  /** Who it is now. */
  readonly owner: Principal;
  /** The resources it asked about. */
  readonly subscriptions: ReadonlySet<string>;
}

/** Passes the hub's events on to those who may see what they are about, and asked where that is for them to do. Returns the way to stop. */
export function forwardEvents(hub: Hub, listeners: () => Iterable<Listener>): () => void {
  const tell = (server: Server, topic: Topic): Promise<void> => {
    if (topic === 'tools') return server.sendToolListChanged();
    if (topic === 'resources') return server.sendResourceListChanged();
    if (topic === 'prompts') return server.sendPromptListChanged();
    return server.sendResourceUpdated({ uri: topic.uri });
  };
  return onHubChange(hub, (topic) => {
    for (const { server, owner, subscriptions, hears } of listeners()) {
      if (server.transport === undefined || (typeof topic !== 'string' && !subscriptions.has(topic.uri))) continue;
      if (hears(owner, topic)) tell(server, topic).catch(() => {});
    }
  });
}
