import { InvalidInputError, NotFoundError } from '@meshwork/core';
import type { CredentialBook, IssuedKey } from './credential-book.ts';
import { createNetworkCheck } from './key-networks.ts';
import type { ApiKey, KeyHolder, KeyTerms } from './key-record.ts';
import { effects } from './key-scopes.ts';
import type { InTurn } from './turns.ts';

/** A key that is wanted: for an agent this hub knows, or, without one, for an admin. */
export interface KeyRequest extends KeyTerms {
  readonly agent?: string;
  /** How long it lives, in milliseconds. Absent: until it is revoked. */
  readonly ttlMs?: number;
}

/** The API keys of a hub. An agent's first key comes with the agent. */
export interface KeyBook {
  /** Makes a key, shown only here. @throws {NotFoundError} {@link InvalidInputError} */
  create(request: KeyRequest): Promise<IssuedKey>;
  /** The key with this id, without its secret; `undefined` when there is none. */
  get(keyId: string): Promise<ApiKey | undefined>;
  /** All keys, or those of one agent, oldest first. Expired ones are shown for a day more. */
  list(options?: { readonly agent?: string }): Promise<readonly ApiKey[]>;
  /**
   * Makes a key of the same holder, terms and lifetime, shown only here. The old one dies `overlapMs` later (default 0: at once); at most two
   * generations of a key live.
   *
   * @throws {NotFoundError} {@link ConflictError} when it is dead or was rotated already, {@link InvalidInputError}
   */
  rotate(keyId: string, options?: { readonly overlapMs?: number }): Promise<IssuedKey>;
  /** Makes a key worthless: in this process at once, on other hubs of the same store within five seconds. False when there was none. */
  revoke(keyId: string): Promise<boolean>;
}

/** Ten years, in milliseconds. */
export const LONGEST_KEY_TTL_MS = 3_653 * 86_400_000;
/** Thirty days, in milliseconds. */
export const LONGEST_OVERLAP_MS = 30 * 86_400_000;

export interface KeyBookOptions {
  readonly credentials: CredentialBook;
  /** Shared with whoever removes agents. */
  readonly inTurn: InTurn;
  readonly isAgent: (name: string) => Promise<boolean>;
}

export function createKeyBook({ credentials, inTurn, isAgent }: KeyBookOptions): KeyBook {
  const requireHolder = async ({ kind, id }: KeyHolder) => {
    if (kind === 'agent' && !(await isAgent(id))) throw new NotFoundError(`there is no agent ${JSON.stringify(id)}; list the agents, or add it`);
  };
  /** An agent that another hub removed meanwhile must not keep a key made while its others were looked for. */
  const unlessRemoved = async (made: IssuedKey): Promise<IssuedKey> => {
    try {
      await requireHolder({ kind: made.apiKey.kind, id: made.apiKey.holder });
      return made;
    } catch (error) {
      await credentials.revoke(made.apiKey.id);
      throw error;
    }
  };
  return {
    create: ({ agent, ...terms }) =>
      inTurn(async () => {
        checkTerms(terms);
        const holder: KeyHolder = agent === undefined ? { kind: 'admin', id: 'admin' } : { kind: 'agent', id: agent };
        await requireHolder(holder);
        return unlessRemoved(await credentials.issue(holder, terms));
      }),
    get: (keyId) => credentials.get(keyId),
    list: ({ agent } = {}) => credentials.list(agent === undefined ? undefined : { kind: 'agent', id: agent }),
    rotate: (keyId, { overlapMs = 0 } = {}) =>
      inTurn(async () => {
        checkMs('overlapMs', overlapMs, 0, LONGEST_OVERLAP_MS);
        // An agent that is being removed loses the old key first, and then it can no longer be rotated.
        return credentials.rotate(keyId, { overlapMs });
      }),
    // Not in turn: it waits for nothing that hangs.
    revoke: (keyId) => credentials.revoke(keyId),
  };
}

function checkTerms({ scopes, networks, ttlMs }: Omit<KeyRequest, 'agent'>): void {
  if (ttlMs !== undefined) checkMs('ttlMs', ttlMs, 1, LONGEST_KEY_TTL_MS);
  if (scopes !== undefined) {
    if (scopes.length === 0) throw new InvalidInputError('a key without any scope opens nothing; leave scopes out for one without a limit');
    for (const scope of scopes)
      if (!effects.includes(scope)) throw new InvalidInputError(`there is no scope ${JSON.stringify(scope)}; there are ${effects.join(', ')}`);
  }
  if (networks !== undefined) {
    if (networks.length === 0) throw new InvalidInputError('a key without any network opens nothing; leave networks out for one without a limit');
    createNetworkCheck(networks);
  }
}

function checkMs(name: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw new InvalidInputError(`${name} is ${value}; it must be a whole number of milliseconds from ${least} to ${most}`);
}
