import {
  type AnyTool,
  ConflictError,
  createHub,
  DeniedError,
  defineTool,
  type Hub,
  MeshworkError,
  type Module,
  NotFoundError,
  toolAnswer,
  UnavailableError,
} from '@meshwork/core';
import { type HttpServer, type ServeHttpOptions, serveHttp } from '@meshwork/transports';
import { z } from 'zod';
import { authenticator, tools } from './world.ts';

const base = { description: 'x', category: 'test', effect: 'write', input: z.looseObject({}) } as const;

/** A tool that throws. */
function throws(name: string, error: unknown): AnyTool {
  return defineTool({
    ...base,
    name,
    run: () => {
      throw error;
    },
  });
}

export const restTools: readonly AnyTool[] = [
  ...tools,
  throws('denied', new DeniedError('you may not', { policies: ['external-read-only'] })),
  throws('missing', new NotFoundError('there is no such record', { details: { status: 200, record: 'r1' } })),
  throws('taken', new ConflictError('the name is taken')),
  throws('away', new UnavailableError('the store is away', { details: { retryAfterMs: 1_500 } })),
  throws('limited', new MeshworkError('LIMITED', 'too many calls', { details: { retryAfterMs: 200 } })),
  throws('breaks', new Error('boom')),
  defineTool({ ...base, name: 'fails', run: () => toolAnswer([{ type: 'text', text: 'no luck' }], { isError: true }) }),
  defineTool({
    ...base,
    name: 'fails-by-code',
    run: () => toolAnswer([], { isError: true, structuredContent: { code: 'NO_FUNDS', message: 'empty', left: 0 } }),
  }),
  defineTool({ ...base, name: 'dots.in-the_name', run: () => toolAnswer([{ type: 'text', text: 'dotted' }]) }),
  defineTool({ ...base, name: 'waits', run: () => new Promise<never>(() => {}) }),
  defineTool({
    ...base,
    name: 'facts',
    run: (_args, { call }) =>
      toolAnswer([], {
        structuredContent: {
          key: call.idempotencyKey ?? null,
          trace: (call.trace ?? null) as never,
          inMs: (call.deadline ?? 0) - call.receivedAt,
          face: call.face,
        },
      }),
  }),
];

export const restModule: Module = {
  name: 'rest-test',
  tools: restTools,
  resources: [
    { uri: 'board://x', name: 'x', read: () => ({ json: { x: 1 } }) },
    { uri: 'board://x/{key}', name: 'key', read: ({ variables }) => ({ json: variables }) },
    {
      uri: 'board://broken',
      name: 'broken',
      read: () => {
        throw new Error('a secret of the operator');
      },
    },
  ],
  prompts: [
    {
      name: 'hello',
      arguments: [{ name: 'who', required: true }],
      render: ({ who }) => ({ messages: [{ role: 'user', content: { type: 'text', text: `hello ${who}` } }] }),
    },
  ],
};

export interface RestWorld {
  readonly hub: Hub;
  readonly server: HttpServer;
  readonly origin: string;
  /** A request as alice, unless the headers say otherwise. */
  send(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
}

export async function withRest(
  work: (world: RestWorld) => Promise<void>,
  { modules = [], ...options }: Partial<ServeHttpOptions> & { modules?: readonly Module[] } = {},
): Promise<void> {
  await using hub = createHub({ info: { name: 'test', version: '1.2.3' }, modules: [restModule, ...modules] });
  await using server = await serveHttp(hub, { port: 0, authenticator, ...options });
  const origin = `http://127.0.0.1:${server.port}`;
  const send = (path: string, { headers, ...init }: RequestInit = {}) =>
    fetch(`${origin}${path}`, { ...init, headers: { 'x-api-key': 'alice-key', ...headers } });
  const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    send(path, { method: 'POST', ...(body !== undefined && { body: JSON.stringify(body) }), headers: { 'content-type': 'application/json', ...headers } });
  await work({ hub, server, origin, send, post });
}
