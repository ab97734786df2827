import type { Hub, HubEvents } from '@meshwork/core';
import type { ServerEvent, ServerEventBus } from '@modelcontextprotocol/server';

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
  const onCatalogue: HubEvents['catalogue-changed'] = ({ kind }) => publish({ kind: `${kind}_list_changed` });
  const onResource: HubEvents['resource-updated'] = ({ uri }) => publish({ kind: 'resource_updated', uri });
  hub.events.on('catalogue-changed', onCatalogue);
  hub.events.on('resource-updated', onResource);
  return {
    bus: {
      publish,
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    stop() {
      hub.events.off('catalogue-changed', onCatalogue);
      hub.events.off('resource-updated', onResource);
    },
  };
}
