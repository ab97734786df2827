import { createHub, createMemoryStore, type Hub, type Principal, zoneTrust } from '@meshwork/core';
import { guardian, standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';

/** A hub with nothing but a guardian, and one agent it knows. Use a durable store where grants must outlive the process. */
export async function guardedHub(): Promise<{ hub: Hub; agent: Principal }> {
  const guard = guardian({ store: createMemoryStore(), engine: createCedarEngine({ policies: standardPolicies, schema: standardSchema }) });
  await guard.agents.add({ name: 'data_analyst' });
  const agent: Principal = { id: 'data_analyst', kind: 'agent', roles: [], zone: 'local', trust: zoneTrust.local, method: 'in-process', actsFor: [] };
  return { hub: createHub({ modules: [guard] }), agent };
}
