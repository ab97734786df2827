import type { Hub } from '@meshwork/core';
import { jsonText } from '../http/plain-http.ts';
import { type CatalogueLists, listsOf } from '../mcp/catalogue-lists.ts';
import type { Endpoint } from './endpoint.ts';
import { openApiOf } from './openapi.ts';

/** The description of all this, written once for each state of the catalogue. */
export function openApiEndpoints({ hub, base }: { readonly hub: Hub; readonly base: string }): readonly Endpoint[] {
  let written: { readonly lists: CatalogueLists; readonly text: string } | undefined;
  return [
    {
      path: '/openapi.json',
      GET: () => {
        const lists = listsOf(hub);
        if (written?.lists !== lists) written = { lists, text: JSON.stringify(openApiOf(hub, base)) };
        return jsonText(written.text);
      },
    },
  ];
}
