import type { Hub } from '@meshwork/core';
import type { Server } from '@modelcontextprotocol/server';
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

/** Passes the hub's events on to connected servers. `wants` says whether a server's client asked about a resource. Returns the way to stop. */
export function forwardEvents(hub: Hub, servers: () => Iterable<Server>, wants: (server: Server, uri: string) => boolean): () => void {
  const tell = (server: Server, topic: Topic): Promise<void> | undefined => {
    if (topic === 'tools') return server.sendToolListChanged();
    if (topic === 'resources') return server.sendResourceListChanged();
    if (topic === 'prompts') return server.sendPromptListChanged();
    return wants(server, topic.uri) ? server.sendResourceUpdated({ uri: topic.uri }) : undefined;
  };
  return onHubChange(hub, (topic) => {
    for (const server of servers()) if (server.transport !== undefined) tell(server, topic)?.catch(() => {});
  });
}
