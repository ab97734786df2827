import { type Connection, createHub, createMemoryStore, type Hub, type Principal, type Store } from '@meshwork/core';
import { type Guardian, type GuardianOptions, guardian, standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { type ManualClock, manualClock } from '@meshwork/testing';

export const engine = createCedarEngine({ policies: standardPolicies, schema: standardSchema });

export const from: Record<'local' | 'trusted' | 'external', Connection> = {
  local: { via: 'http', remoteAddress: '127.0.0.1', encrypted: false },
  trusted: { via: 'http', remoteAddress: '10.1.2.3', encrypted: false },
  external: { via: 'http', remoteAddress: '203.0.113.9', encrypted: false },
};

export interface World {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly guard: Guardian;
  readonly hub: Hub;
  /** Adds an agent and returns who it is on a connection. */
  agent(name: string, connection?: Connection): Promise<Principal>;
  admin(connection?: Connection): Promise<Principal>;
  /** Calls a tool and returns its structured answer. */
  call(principal: Principal, name: string, args: object): Promise<Record<string, unknown>>;
  read(principal: Principal, uri: string): Promise<Record<string, never>>;
}

/** A hub with nothing but a guardian, on memory and a clock that is moved by hand. */
export function world({ store, clock = manualClock(), ...options }: Partial<GuardianOptions> & { store?: Store; clock?: ManualClock } = {}): World {
  const kept = store ?? createMemoryStore({ clock });
  const guard = guardian({ store: kept, engine, clock, networks: { trusted: ['10.0.0.0/8', 'fd00::/8'] }, ...options });
  const hub = createHub({ modules: [guard], clock });
  const known = async (key: string, connection: Connection) => {
    const principal = await guard.authenticator.authenticate(key, connection);
    if (principal === undefined) throw new Error('the key was not accepted');
    return principal;
  };
  return {
    store: kept,
    clock,
    guard,
    hub,
    agent: async (name, connection = from.local) => known((await guard.agents.add({ name })).key, connection),
    admin: async (connection = from.local) => known(await guard.createAdminKey(), connection),
    async call(principal, name, args) {
      const answer = await hub.call({ name, arguments: args, principal, face: 'local' });
      return (answer.kind === 'tool' ? answer.structuredContent : {}) as Record<string, unknown>;
    },
    async read(principal, uri) {
      const answer = await hub.call({ kind: 'resource', name: uri, principal, face: 'local' });
      const [contents] = answer.kind === 'resource' ? answer.contents : [];
      return JSON.parse(contents !== undefined && 'text' in contents ? contents.text : '{}');
    },
  };
}

export const ask = (agent_id: string, resource_type: string, more: object = {}) => ({ agent_id, resource_type, justification: 'Q4 analysis task', ...more });
