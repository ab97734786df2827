import { ConflictError, type IdSource, type JsonObject, type KeyValueStore, type Principal } from '@meshwork/core';
import { digestOf, mintSecret } from './secret.ts';
import type { SteadyTime } from './steady-time.ts';

/** A permission somebody holds. The token is not in it: only its digest is kept, as the record's key. */
export interface Grant {
  readonly id: string;
  readonly agent: string;
  readonly resource: string;
  readonly scope: string;
  /** ISO 8601, as are the other times. */
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly zone: Principal['zone'];
  readonly policies: readonly string[];
  readonly justification: string;
  /** The key or certificate it was asked for with, as in `Principal.proven`; who has not proved that cannot use it. Absent: bound to its agent only. */
  readonly boundTo?: string;
  readonly revokedAt?: string;
  readonly revokedBy?: string;
}

export type GrantState = 'active' | 'expired' | 'revoked';

/** The grants of a hub. */
export interface GrantBook {
  /** `alongside` is written together with the grant; the token is told only when both are kept. */
  issue(
    grant: Omit<Grant, 'id' | 'issuedAt' | 'expiresAt'>,
    options: { readonly ttlMs: number; readonly alongside: (grant: Grant) => Promise<void> },
  ): Promise<{ readonly token: string; readonly grant: Grant }>;
  /** The grant a token stands for, or `undefined`. */
  find(token: string): Promise<Grant | undefined>;
  stateOf(grant: Grant): GrantState;
  /** Revokes; false when it was revoked or had expired already. */
  revoke(token: string, by: string): Promise<boolean>;
  /** Revokes whatever an agent holds, and returns it. */
  revokeAll(agent: string, by: string): Promise<readonly Grant[]>;
  /** Newest first. */
  list(options?: { readonly agent?: string; readonly activeOnly?: boolean }): Promise<readonly Grant[]>;
}

const PREFIX = 'guardian/grant/';
const TOKEN = /^gt_[A-Za-z0-9_-]{43}$/;
/** A dead grant is kept a day, so that its holder can be told why it is dead. */
const RETENTION_MS = 86_400_000;
/** What clocks of hubs that share a store may differ by. */
const SKEW_MS = 5_000;

export function createGrantBook({ store, clock, ids }: { store: KeyValueStore; clock: SteadyTime; ids: IdSource }): GrantBook {
  const keyOf = (token: string) => (TOKEN.test(token) ? PREFIX + digestOf(token) : undefined);
  const entryOf = async (key: string | undefined) => {
    const entry = key === undefined ? undefined : await store.get(key);
    return entry && { key: entry.key, revision: entry.revision, grant: entry.value as unknown as Grant };
  };
  const stateOf = (grant: Grant): GrantState => {
    if (grant.revokedAt !== undefined) return 'revoked';
    const now = clock.now();
    // One from the future is from before the clock was set back and the hub restarted: nobody knows how old it is.
    const isOver = Date.parse(grant.expiresAt) <= now || Date.parse(grant.issuedAt) > now + SKEW_MS;
    return isOver ? 'expired' : 'active';
  };
  const keepFor = (grant: Grant) => Math.max(1, Date.parse(grant.expiresAt) - clock.now() + RETENTION_MS);

  const revokeEntry = async (key: string | undefined, by: string): Promise<Grant | undefined> => {
    for (;;) {
      const entry = await entryOf(key);
      if (entry === undefined || stateOf(entry.grant) !== 'active') return undefined;
      const revoked: Grant = { ...entry.grant, revokedAt: new Date(clock.now()).toISOString(), revokedBy: by };
      try {
        await store.put(entry.key, revoked as unknown as JsonObject, { expected: entry.revision, ttlMs: keepFor(revoked) });
        return revoked;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  };

  return {
    stateOf,
    async issue(grant, { ttlMs, alongside }) {
      clock.requireSure();
      const now = clock.now();
      const { secret: token, digest } = mintSecret('gt_');
      const issued: Grant = { ...grant, id: ids('grant'), issuedAt: new Date(now).toISOString(), expiresAt: new Date(now + ttlMs).toISOString() };
      await Promise.all([store.put(PREFIX + digest, issued as unknown as JsonObject, { expected: 0, ttlMs: keepFor(issued) }), alongside(issued)]);
      return { token, grant: issued };
    },
    async find(token) {
      return (await entryOf(keyOf(token)))?.grant;
    },
    revoke: async (token, by) => (await revokeEntry(keyOf(token), by)) !== undefined,
    async revokeAll(agent, by) {
      const revoked: Grant[] = [];
      for await (const { key, value } of store.list(PREFIX)) {
        const grant = (value as unknown as Grant).agent === agent ? await revokeEntry(key, by) : undefined;
        if (grant !== undefined) revoked.push(grant);
      }
      return revoked;
    },
    async list({ agent, activeOnly = false } = {}) {
      const grants: Grant[] = [];
      for await (const { value } of store.list(PREFIX)) {
        const grant = value as unknown as Grant;
        if ((agent === undefined || grant.agent === agent) && (!activeOnly || stateOf(grant) === 'active')) grants.push(grant);
      }
      return grants.sort((a, b) => (a.issuedAt < b.issuedAt ? 1 : -1));
    },
  };
}
