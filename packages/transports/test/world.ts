import { createHub, createMemoryStore, createOperations, defineTool, type Hub, inputRequired, type Principal, toolAnswer, zoneTrust } from '@meshwork/core';
import { type HttpServer, type ServeHttpOptions, serveHttp } from '@meshwork/transports';
import { z } from 'zod';

const test = { category: 'test', effect: 'write' } as const;

/** Tools that show what a face must carry. */
export const tools = [
  defineTool({
    ...test,
    name: 'echo',
    description: 'Says it back.',
    input: z.strictObject({ text: z.string(), count: z.number().optional() }),
    output: z.object({ text: z.string(), count: z.number().optional() }),
    run: (args) => args,
  }),
  defineTool({
    ...test,
    name: 'whoami',
    description: 'Says who calls.',
    input: z.strictObject({}),
    output: z.object({ id: z.string(), face: z.string() }),
    run: (_args, { principal, call }) => ({ id: principal.id, face: call.face }),
  }),
  defineTool({
    ...test,
    name: 'steps',
    description: 'Tells how far it is.',
    input: z.strictObject({}),
    run: async (_args, { progress }) => {
      for (const done of [1, 2, 3]) await progress({ progress: done, total: 3 });
      return toolAnswer([{ type: 'text', text: 'done' }]);
    },
  }),
  defineTool({
    ...test,
    name: 'greet',
    description: 'Asks for a name first.',
    input: z.strictObject({}),
    run: (_args, { call }) => {
      const answer = call.inputResponses?.name as { action?: string; content?: { name?: string } } | undefined;
      if (answer?.action !== 'accept')
        return inputRequired(
          {
            name: {
              method: 'elicitation/create',
              params: {
                mode: 'form',
                message: 'Your name?',
                requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
              },
            },
          },
          { asked: true },
        );
      return toolAnswer([{ type: 'text', text: `hello ${answer.content?.name}, ${JSON.stringify(call.inputState)}` }]);
    },
  }),
  defineTool({
    ...test,
    name: 'region',
    description: 'Has a mirrored argument.',
    input: z.object({ region: z.string().optional().meta({ 'x-mcp-header': 'Region' }) }),
    run: ({ region }) => toolAnswer([{ type: 'text', text: region ?? '-' }]),
  }),
];

/** Tools that do long work. */
export const longTools = [
  defineTool({
    ...test,
    name: 'long',
    description: 'Does long work, with a question in the middle.',
    task: 'optional',
    input: z.strictObject({ question: z.boolean().optional() }),
    run: async ({ question = false }, { call, progress }) => {
      if (question && call.inputResponses === undefined) {
        await progress({ progress: 1, total: 2 });
        return inputRequired({ name: { method: 'elicitation/create', params: { mode: 'form', message: 'Your name?' } } }, { half: true });
      }
      return toolAnswer([{ type: 'text', text: `done for ${JSON.stringify(call.inputResponses?.name ?? 'nobody')}` }]);
    },
  }),
  defineTool({
    ...test,
    name: 'endless',
    description: 'Works until it is cancelled.',
    task: 'required',
    input: z.strictObject({}),
    run: (_args, { signal }) => new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  }),
];

export const alice: Principal = { id: 'alice', kind: 'agent', roles: [], zone: 'local', trust: zoneTrust.local, method: 'api-key', actsFor: [] };
export const bob: Principal = { ...alice, id: 'bob' };

export function testHub({ keepsOperations = false } = {}): Hub {
  return createHub({
    ...(keepsOperations && { operations: createOperations({ store: createMemoryStore(), maxPerOwner: 100_000 }) }),
    modules: [
      {
        name: 'test',
        tools,
        resources: [
          { uri: 'board://x', name: 'x', read: () => ({ json: { x: 1 } }) },
          { uri: 'board://x/{key}', name: 'key', read: ({ variables }) => ({ json: variables }) },
        ],
      },
    ],
  });
}

/** Knows two keys, `alice-key` and `bob-key`. */
export const authenticator: ServeHttpOptions['authenticator'] = {
  authenticate: async (credential) => (credential === 'alice-key' ? alice : credential === 'bob-key' ? bob : undefined),
};

export async function withServer(work: (server: HttpServer, hub: Hub) => Promise<void>, options: Partial<ServeHttpOptions> = {}): Promise<void> {
  await using hub = testHub();
  await using server = await serveHttp(hub, { port: 0, authenticator, ...options });
  await work(server, hub);
}

/** A request of revision 2026-07-28. */
export function modernRequest(method: string, params: Record<string, unknown>, meta: Record<string, unknown> = {}) {
  const name = (params.name ?? params.uri ?? params.taskId) as string | undefined;
  return {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: 'Bearer alice-key',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(name !== undefined && { 'mcp-name': name }),
    } as Record<string, string>,
    message: {
      jsonrpc: '2.0',
      id: 1,
      method,
      params: { ...params, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {}, ...meta } },
    },
  };
}
