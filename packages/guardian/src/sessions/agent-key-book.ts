import { type Clock, ConflictError, InvalidInputError, type JsonObject, type KeyValueStore, NotFoundError } from '@meshwork/core';
import { calculateJwkThumbprint } from 'jose';
import type { Agent } from '../agent-book.ts';
import { randomHex } from '../secret.ts';
import { readPublicKey } from './ed25519-key.ts';

/** An Ed25519 public key with which an agent proves who it is. */
export interface AgentKey {
  /** Its thumbprint (RFC 7638, SHA-256, base64url). */
  readonly kid: string;
  /** Its 32 bytes in base64url. */
  readonly x: string;
  /** ISO 8601. */
  readonly addedAt: string;
  /** Made anew whenever a key is added, so that what an earlier addition stood for does not come back with it. */
  readonly id: string;
}

/** The public keys of agents: at most four each. A removed agent's keys are worth nothing, also to a later agent of the same name. */
export interface AgentKeyBook {
  /** Adds a key: a JWK, or its 32 bytes in base64url. @throws {NotFoundError} {@link InvalidInputError} {@link ConflictError} */
  add(agent: string, publicKey: unknown): Promise<AgentKey>;
  list(agent: string): Promise<readonly AgentKey[]>;
  /** Takes a key out; the sessions opened with it end at once. @throws {NotFoundError} */
  remove(agent: string, kid: string): Promise<void>;
}

/** What the guardian itself does with the book beside. */
export interface OwnAgentKeyBook extends AgentKeyBook {
  /** Deletes what a removed agent left. */
  forget(agent: string): Promise<void>;
}

interface KeysRecord {
  /** When the agent they belong to was added: another of its name has another time. */
  readonly agentAddedAt: string;
  readonly keys: readonly AgentKey[];
}

export interface AgentKeyBookOptions {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly agents: { get(name: string): Promise<Agent | undefined> };
  /** Called once a key of the agent is out. */
  readonly onRemoved: (agent: string) => void;
}

const PREFIX = 'guardian/agent-key/';
const MOST_KEYS = 4;

export function createAgentKeyBook({ store, clock, agents, onRemoved }: AgentKeyBookOptions): OwnAgentKeyBook {
  const read = async (name: string) => {
    const agent = await agents.get(name);
    if (agent === undefined) return undefined;
    const entry = await store.get(PREFIX + name);
    const record = entry?.value as unknown as KeysRecord | undefined;
    return { agent, keys: record?.agentAddedAt === agent.addedAt ? record.keys : [], revision: entry?.revision ?? 0 };
  };
  const change = async (name: string, edit: (keys: readonly AgentKey[]) => readonly AgentKey[]): Promise<void> => {
    for (;;) {
      const found = await read(name);
      if (found === undefined) throw new NotFoundError(`there is no agent ${JSON.stringify(name)}; list the agents, or add it`);
      const record: KeysRecord = { agentAddedAt: found.agent.addedAt, keys: edit(found.keys) };
      try {
        await store.put(PREFIX + name, record as unknown as JsonObject, { expected: found.revision });
        return;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  };

  return {
    async add(name, publicKey) {
      const x = readPublicKey(publicKey);
      const kid = await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x });
      const key: AgentKey = { kid, x, addedAt: new Date(clock.now()).toISOString(), id: randomHex(8) };
      await change(name, (keys) => {
        if (keys.some((known) => known.kid === kid)) throw new ConflictError(`the agent ${JSON.stringify(name)} has the key ${kid} already`);
        if (keys.length >= MOST_KEYS)
          throw new InvalidInputError(`the agent ${JSON.stringify(name)} has ${MOST_KEYS} keys, the most there can be; remove one first`);
        return [...keys, key];
      });
      return key;
    },
    list: async (name) => (await read(name))?.keys ?? [],
    async remove(name, kid) {
      await change(name, (keys) => {
        const rest = keys.filter((key) => key.kid !== kid);
        if (rest.length === keys.length) throw new NotFoundError(`the agent ${JSON.stringify(name)} has no key ${JSON.stringify(kid)}; list its keys`);
        return rest;
      });
      onRemoved(name);
    },
    async forget(name) {
      await store.delete(PREFIX + name);
      onRemoved(name);
    },
  };
}
