import type { Hub } from '@meshwork/core';
import { json } from '../http/plain-http.ts';
import { listsOf } from '../mcp/catalogue-lists.ts';
import { decodePart, type Endpoint } from './endpoint.ts';
import { type BodyCaps, readObject } from './read-object.ts';
import type { RestCall } from './rest-call.ts';

export interface ResourceEndpointsOptions {
  readonly hub: Hub;
  readonly call: RestCall;
  readonly base: string;
  readonly body: BodyCaps;
}

/** Resources and prompts: list them, read one, render one. */
export function resourceEndpoints({ hub, call, base, body: caps }: ResourceEndpointsOptions): readonly Endpoint[] {
  return [
    {
      path: `${base}/resources`,
      GET: ({ principal }) => {
        const { resources, templates } = listsOf(hub.visibleTo(principal));
        return json({ resources, resourceTemplates: templates });
      },
    },
    {
      path: `${base}/resources/**`,
      GET: async (from) => {
        const { kind: _, ...answer } = await call({ kind: 'resource', name: uriOf(from.rest) }, from);
        return json(answer);
      },
    },
    { path: `${base}/prompts`, GET: ({ principal }) => json({ prompts: listsOf(hub.visibleTo(principal)).prompts }) },
    {
      path: `${base}/prompts/*`,
      POST: async (from) => {
        const name = decodePart(from.rest);
        const { kind: _, ...answer } = await call({ kind: 'prompt', name, arguments: await readObject(from.request, caps) }, from);
        return json(answer);
      },
    },
  ];
}

/** A URI that was encoded into one segment is decoded once; one that was written with its slashes is taken as it stands. */
function uriOf(rest: string): string {
  return rest.includes('/') ? rest : decodePart(rest);
}
