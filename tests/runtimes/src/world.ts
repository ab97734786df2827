import {
  type Authenticator,
  createHub,
  createMemoryStore,
  defineModule,
  defineTool,
  type Hub,
  inputRequired,
  type Principal,
  toolAnswer,
  zoneTrust,
} from '@meshwork/core';
import { z } from 'zod';

const test = { category: 'test', effect: 'write' } as const;

/** A hub with what a face must carry: plain calls, kept state, progress, a question, a long wait, resources that change. */
export function createWorld(): Hub {
  const store = createMemoryStore();
  const waits = { begun: 0, cancelled: 0 };
  const tools = [
    defineTool({
      ...test,
      name: 'whoami',
      description: 'Says who calls, and from where.',
      input: z.strictObject({}),
      output: z.object({ id: z.string(), zone: z.string(), address: z.string().optional() }),
      run: (_args, { principal }) => ({ id: principal.id, zone: principal.zone, ...(principal.address !== undefined && { address: principal.address }) }),
    }),
    defineTool({
      ...test,
      name: 'note',
      description: 'Keeps a note.',
      input: z.strictObject({ text: z.string() }),
      output: z.object({ revision: z.number() }),
      run: async ({ text }) => {
        const { revision } = await store.put('note', text, { ttlMs: 60_000 });
        hub.resourceUpdated('note://last');
        return { revision };
      },
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
        if (answer?.action === 'accept') return toolAnswer([{ type: 'text', text: `hello ${answer.content?.name}` }]);
        const requestedSchema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
        return inputRequired({ name: { method: 'elicitation/create', params: { mode: 'form', message: 'Your name?', requestedSchema } } }, { asked: true });
      },
    }),
    defineTool({
      ...test,
      name: 'wait',
      description: 'Waits until it is cancelled.',
      input: z.strictObject({}),
      run: (_args, { signal }) => {
        waits.begun += 1;
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            waits.cancelled += 1;
            reject(signal.reason);
          });
        });
      },
    }),
    defineTool({
      ...test,
      name: 'waits',
      description: 'Counts the waits.',
      input: z.strictObject({}),
      output: z.object({ begun: z.number(), cancelled: z.number() }),
      run: () => ({ ...waits }),
    }),
  ];
  const hub = createHub({
    modules: [
      defineModule({
        name: 'test',
        tools,
        resources: [{ uri: 'note://last', name: 'note', read: async () => ({ json: { text: ((await store.get('note'))?.value ?? null) as string | null } }) }],
        close: () => store.close(),
      }),
    ],
  });
  return hub;
}

/** Knows one key, `alice-key`; whoever comes from this machine is in the local zone. */
export const authenticator: Authenticator = {
  async authenticate(credential, { remoteAddress }) {
    if (credential !== 'alice-key') return undefined;
    const zone = remoteAddress === '127.0.0.1' ? 'local' : 'external';
    const alice: Principal = { id: 'alice', kind: 'agent', roles: [], zone, trust: zoneTrust[zone], method: 'api-key', actsFor: [] };
    return remoteAddress === undefined ? alice : { ...alice, address: remoteAddress };
  },
};
