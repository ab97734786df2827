import type { Hub, HubEvents } from '@meshwork/core';

/** What a client may watch: one of the hub's lists, or a resource by its URI. */
export type Topic = 'tools' | 'resources' | 'prompts' | { readonly uri: string };

/** Calls back with whatever changes in a hub, until the function returned is called. */
export function onHubChange(hub: Hub, listener: (topic: Topic) => void): () => void {
  const onCatalogue: HubEvents['catalogue-changed'] = ({ kind }) => listener(kind);
  const onResource: HubEvents['resource-updated'] = ({ uri }) => listener({ uri });
  hub.events.on('catalogue-changed', onCatalogue);
  hub.events.on('resource-updated', onResource);
  return () => {
    hub.events.off('catalogue-changed', onCatalogue);
    hub.events.off('resource-updated', onResource);
  };
}
