import type { CatalogueView, Hub } from '@meshwork/core';
import { jsonText } from '../http/plain-http.ts';
import type { Endpoint } from './endpoint.ts';
import { openApiOf } from './openapi.ts';

/** The description of all this, written once for all who are shown the same. */
export function openApiEndpoints({ hub, base }: { readonly hub: Hub; readonly base: string }): readonly Endpoint[] {
  const written = new WeakMap<CatalogueView, string>();
  return [
    {
      path: '/openapi.json',
      GET: ({ principal }) => {
        const view = hub.visibleTo(principal);
        let text = written.get(view);
        if (text === undefined) {
          text = JSON.stringify(openApiOf(hub, view, base));
          written.set(view, text);
        }
        return jsonText(text);
      },
    },
  ];
}
