import { type AuditLog, audit } from '@meshwork/audit';
import { createHub, createMemoryStore, defineTool, type Hub, type Module, type Store, toolAnswer } from '@meshwork/core';
import { type Guardian, guardian, standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { type ManualClock, manualClock } from '@meshwork/testing';
import { z } from 'zod';
import { tools } from './access-table.ts';

const engine = createCedarEngine({ policies: standardPolicies, schema: standardSchema });

export interface World {
  readonly hub: Hub;
  readonly guard: Guardian;
  readonly log: AuditLog;
  readonly store: Store;
  readonly clock: ManualClock;
}

/** A hub with a guardian, an audit log, and a tool for each column of the table. */
export function createWorld({ modules = [], store }: { readonly modules?: readonly Module[]; readonly store?: Store } = {}): World {
  const clock = manualClock();
  const kept = store ?? createMemoryStore({ clock });
  const log = audit({ journal: kept, clock });
  const guard = guardian({
    store: kept,
    engine,
    clock,
    networks: { trusted: ['10.0.0.0/8'] },
    sessions: { audience: 'http://127.0.0.1/mcp' },
    certificateAgents: 'urn:meshwork:agent:',
  });
  const tried = Object.entries(tools).map(([name, [category, effect]]) =>
    defineTool({
      name,
      description: 'Says that it ran.',
      category,
      effect,
      input: z.strictObject({ text: z.string().optional() }),
      run: () => toolAnswer([{ type: 'text', text: `${name} ran` }]),
    }),
  );
  return { hub: createHub({ modules: [log, guard, { name: 'tried', tools: tried }, ...modules], clock }), guard, log, store: kept, clock };
}
