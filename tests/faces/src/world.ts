import { type AuditLog, audit } from '@meshwork/audit';
import {
  createHub,
  createMemoryStore,
  DeniedError,
  defineTool,
  type Hub,
  LimitedError,
  type Module,
  type Principal,
  toolAnswer,
  zoneTrust,
} from '@meshwork/core';
import { z } from 'zod';

export const alice: Principal = { id: 'alice', kind: 'agent', roles: [], zone: 'local', trust: zoneTrust.local, method: 'api-key', actsFor: [] };

const test = { category: 'test', effect: 'write', input: z.strictObject({ text: z.string() }) } as const;

export interface World {
  readonly hub: Hub;
  readonly log: AuditLog;
  /** Resolves when the tool that never ends has begun. */
  readonly begun: Promise<void>;
}

/** A hub with a tool for each way a call can end. */
export function createWorld(): World {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const log = audit({ journal: createMemoryStore() });
  const gate: Module = {
    name: 'gate',
    stages: {
      async limit({ call }, next) {
        if (call.name === 'capped') throw new LimitedError('ten calls a minute, and this is the eleventh', { retryAfterMs: 5_000 });
        return next();
      },
      async authorize({ call }, next) {
        if (call.name === 'forbidden') throw new DeniedError('nobody may', { policies: ['nobody'] });
        return next();
      },
    },
  };
  const tools = [
    ...['echo', 'forbidden', 'capped'].map((name) =>
      defineTool({ ...test, name, description: 'Says it back.', run: ({ text }) => toolAnswer([{ type: 'text', text }]) }),
    ),
    defineTool({
      ...test,
      name: 'slow',
      description: 'Never ends by itself, and listens to nobody.',
      run: () => {
        begin();
        return new Promise<never>(() => {});
      },
    }),
    defineTool({
      ...test,
      name: 'broken',
      description: 'Fails.',
      run: () => {
        throw new Error('it broke');
      },
    }),
  ];
  return { hub: createHub({ modules: [log, gate, { name: 'tools', tools }] }), log, begun };
}
