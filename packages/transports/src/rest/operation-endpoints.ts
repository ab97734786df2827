import { type Hub, NotFoundError } from '@meshwork/core';
import { decodePart, type Endpoint, type EndpointRequest } from './endpoint.ts';
import { type BodyCaps, readObject } from './read-object.ts';
import type { RestCall } from './rest-call.ts';
import { toolResponse } from './tool-endpoints.ts';

export interface OperationEndpointsOptions {
  readonly hub: Hub;
  readonly call: RestCall;
  readonly body: BodyCaps;
}

/** Long work over REST: the operation tools under the paths that Formation's clients know. */
export function operationEndpoints({ hub, call, body: caps }: OperationEndpointsOptions): readonly Endpoint[] {
  const run = async (name: string, args: object, from: EndpointRequest) => {
    if (hub.catalogue.find('tool', name) === undefined) throw new NotFoundError(`this hub keeps no operations: it has no tool ${name}`);
    return toolResponse(await call({ kind: 'tool', name, arguments: args }, from), ({ content, structuredContent }) => structuredContent ?? { content });
  };
  return [
    {
      path: '/api/operations',
      GET: (from) => {
        const status = from.request.query.get('status');
        return run('operation_list', status === null ? {} : { status }, from);
      },
    },
    {
      path: '/api/operations/*',
      GET: (from) => run('operation_get', { id: decodePart(from.rest) }, from),
      DELETE: (from) => run('operation_cancel', { id: decodePart(from.rest) }, from),
    },
    {
      path: '/api/operations/*/input',
      POST: async (from) => run('operation_answer', { id: decodePart(from.rest), responses: await readObject(from.request, caps) }, from),
    },
  ];
}
