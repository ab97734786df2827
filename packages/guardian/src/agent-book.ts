import { ConflictError, InvalidInputError, type JsonObject, type KeyValueStore, NotFoundError, type Principal } from '@meshwork/core';
import type { CredentialBook } from './credential-book.ts';
import type { SteadyTime } from './steady-time.ts';
import type { InTurn } from './turns.ts';

/** An agent an admin has added. */
export interface Agent {
  readonly name: string;
  /** Resource types an admin has allowed it beyond the everyday ones. */
  readonly allowed: readonly string[];
  /** ISO 8601. */
  readonly addedAt: string;
}

/** The agents this hub knows. */
export interface AgentBook {
  /** Adds an agent and makes its key, shown only here. @throws {ConflictError} {@link InvalidInputError} */
  add(agent: { readonly name: string; readonly resources?: readonly string[] }): Promise<{ readonly agentId: string; readonly key: string }>;
  get(name: string): Promise<Agent | undefined>;
  list(): Promise<readonly Agent[]>;
  /** Removes an agent; its key and its grants are worth nothing from then on. @throws {NotFoundError} */
  remove(name: string, by?: Pick<Principal, 'id' | 'zone'>): Promise<void>;
  /** Makes a new key without limits; all earlier ones are worth nothing from then on. @throws {NotFoundError} */
  rotate(name: string): Promise<{ readonly agentId: string; readonly key: string }>;
  /** @throws {NotFoundError} {@link InvalidInputError} */
  allow(name: string, resourceType: string): Promise<Agent>;
  /** @throws {NotFoundError} */
  disallow(name: string, resourceType: string): Promise<Agent>;
}

/** Lower case only, no look-alikes: a name is refused, never mended. */
const AGENT_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

const PREFIX = 'guardian/agent/';

export function createAgentBook(options: {
  store: KeyValueStore;
  clock: SteadyTime;
  credentials: CredentialBook;
  /** One after another: a key made while its agent is being removed would open the door to nobody anybody knows. */
  inTurn: InTurn;
  isResourceType: (name: string) => boolean;
  /** Called once an agent is out, before another can have its name. */
  onRemoved: (name: string, by: Pick<Principal, 'id' | 'zone'>) => Promise<void>;
}): AgentBook {
  const { store, clock, credentials, inTurn, isResourceType, onRemoved } = options;

  const entryOf = async (name: string) => {
    const entry = AGENT_NAME.test(name) ? await store.get(PREFIX + name) : undefined;
    if (entry === undefined) throw new NotFoundError(`there is no agent ${JSON.stringify(name)}; list the agents, or add it`);
    return { agent: entry.value as unknown as Agent, revision: entry.revision };
  };
  const checkType = (type: string) => {
    if (!isResourceType(type)) throw new InvalidInputError(`there is no resource type ${JSON.stringify(type)}`);
  };
  const change = async (name: string, edit: (allowed: ReadonlySet<string>) => Iterable<string>): Promise<Agent> => {
    for (;;) {
      const { agent, revision } = await entryOf(name);
      const changed: Agent = { ...agent, allowed: [...edit(new Set(agent.allowed))].sort() };
      try {
        await store.put(PREFIX + name, changed as unknown as JsonObject, { expected: revision });
        return changed;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  };

  return {
    add: ({ name, resources = [] }) =>
      inTurn(async () => {
        if (!AGENT_NAME.test(name) || name === 'admin')
          throw new InvalidInputError(`the agent name ${JSON.stringify(name)} must be 1 to 64 of a-z 0-9 . _ - and start with a letter or digit`);
        for (const type of resources) checkType(type);
        // Before anything is changed: there is no agent without a key.
        clock.requireSure();
        const agent: Agent = { name, allowed: [...new Set(resources)].sort(), addedAt: new Date(clock.now()).toISOString() };
        try {
          await store.put(PREFIX + name, agent as unknown as JsonObject, { expected: 0 });
        } catch (cause) {
          if (!(cause instanceof ConflictError)) throw cause;
          throw new ConflictError(`there is an agent ${JSON.stringify(name)} already; rotate its key, or remove it first`, { cause });
        }
        return { agentId: name, key: (await credentials.issue({ kind: 'agent', id: name })).key };
      }),
    async get(name) {
      const entry = AGENT_NAME.test(name) ? await store.get(PREFIX + name) : undefined;
      return entry?.value as unknown as Agent | undefined;
    },
    async list() {
      const agents: Agent[] = [];
      for await (const { value } of store.list(PREFIX)) agents.push(value as unknown as Agent);
      return agents;
    },
    remove: (name, by = { id: 'admin', zone: 'local' }) =>
      inTurn(async () => {
        await entryOf(name);
        await credentials.revokeAll({ kind: 'agent', id: name });
        await store.delete(PREFIX + name);
        // Once more, for a key that another hub made meanwhile.
        await credentials.revokeAll({ kind: 'agent', id: name });
        await onRemoved(name, by);
      }),
    rotate: (name) =>
      inTurn(async () => {
        await entryOf(name);
        clock.requireSure();
        await credentials.revokeAll({ kind: 'agent', id: name });
        return { agentId: name, key: (await credentials.issue({ kind: 'agent', id: name })).key };
      }),
    async allow(name, resourceType) {
      checkType(resourceType);
      return change(name, (allowed) => new Set(allowed).add(resourceType));
    },
    disallow: (name, resourceType) => change(name, (allowed) => [...allowed].filter((type) => type !== resourceType)),
  };
}
