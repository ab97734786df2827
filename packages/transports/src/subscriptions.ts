import type { Hub, HubEvents } from '@meshwork/core';
import type { Server } from '@modelcontextprotocol/server';

/** Resources one 2025-revision client may watch. */
const MAX_SUBSCRIPTIONS = 1_000;

/** Which resources a 2025-revision client has subscribed to. Revision 2026-07-28 has `subscriptions/listen` instead, which the SDK filters. */
export function trackSubscriptions(server: Server): ReadonlySet<string> {
  const uris = new Set<string>();
  server.setRequestHandler('resources/subscribe', ({ params }) => {
    if (uris.size < MAX_SUBSCRIPTIONS) uris.add(params.uri);
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
  const tell = (send: (server: Server) => Promise<void> | undefined) => {
    for (const server of servers()) if (server.transport !== undefined) send(server)?.catch(() => {});
  };
  const onCatalogue: HubEvents['catalogue-changed'] = ({ kind }) =>
    tell((server) =>
      kind === 'tools' ? server.sendToolListChanged() : kind === 'resources' ? server.sendResourceListChanged() : server.sendPromptListChanged(),
    );
  const onResource: HubEvents['resource-updated'] = ({ uri }) => tell((server) => (wants(server, uri) ? server.sendResourceUpdated({ uri }) : undefined));
  hub.events.on('catalogue-changed', onCatalogue);
  hub.events.on('resource-updated', onResource);
  return () => {
    hub.events.off('catalogue-changed', onCatalogue);
    hub.events.off('resource-updated', onResource);
  };
}
