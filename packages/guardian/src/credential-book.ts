import { ConflictError, type JsonObject, type KeyValueStore, NotFoundError } from '@meshwork/core';
import { createKeyCheck, type KeyCheck } from './key-check.ts';
import { createKeyDigests } from './key-digest.ts';
import { type ApiKey, hasExpired, KEY_PREFIX, type KeyHolder, type KeyRecord, type KeyState, type KeyTerms, keepingTime } from './key-record.ts';
import { createKeyUses } from './key-uses.ts';
import { mintSecret, randomHex } from './secret.ts';
import type { SteadyTime } from './steady-time.ts';

/** A key that was made just now, and what is kept of it. */
export interface IssuedKey {
  /** `mk_<id>_<secret>`, seen only here. */
  readonly key: string;
  readonly apiKey: ApiKey;
}

/** What happened to a key. It never holds a secret. */
export type KeyEvent =
  | { readonly type: 'key-issued' | 'key-revoked'; readonly keyId: string; readonly kind: KeyHolder['kind']; readonly holder: string }
  | { readonly type: 'key-rotated'; readonly keyId: string; readonly kind: KeyHolder['kind']; readonly holder: string; readonly replaces: string };

/** API keys, kept as digests. */
export interface CredentialBook {
  /** Makes a key; `ttlMs` is how long it lives. */
  issue(holder: KeyHolder, terms?: KeyTerms & { readonly ttlMs?: number }): Promise<IssuedKey>;
  /** Whose key this is, shown from this address; `undefined` when it opens nothing. */
  open: KeyCheck['open'];
  isLive: KeyCheck['isLive'];
  isLiveFrom: KeyCheck['isLiveFrom'];
  /** The key with this id, while its record is kept. */
  get(keyId: string): Promise<ApiKey | undefined>;
  /** All keys, or those of one holder, oldest first. */
  list(holder?: KeyHolder): Promise<readonly ApiKey[]>;
  /**
   * Makes a key of the same holder and terms; the old one dies `overlapMs` later, and one that it had itself replaced dies now.
   *
   * @throws {NotFoundError} {@link ConflictError} when the key is dead or was rotated before.
   */
  rotate(keyId: string, options: { readonly overlapMs: number }): Promise<IssuedKey>;
  /** Makes a key worthless, in this process at once. False when there was none. */
  revoke(keyId: string): Promise<boolean>;
  /** Revokes all keys of a holder. */
  revokeAll(holder: KeyHolder): Promise<void>;
  /** True when a holder has a key that opens. */
  has(holder: KeyHolder): Promise<boolean>;
  close(): Promise<void>;
}

export interface CredentialBookOptions {
  readonly store: KeyValueStore;
  readonly clock: SteadyTime;
  /** At least 32 bytes. */
  readonly pepper?: Uint8Array;
  readonly onChange?: (event: KeyEvent) => void;
}

export function createCredentialBook({ store, clock, pepper, onChange = () => {} }: CredentialBookOptions): CredentialBook {
  const digests = createKeyDigests(pepper);
  const check = createKeyCheck({ store, clock, digests });
  const uses = createKeyUses({ store, clock });

  const stateOf = (record: KeyRecord): KeyState => {
    if (record.pepperId !== undefined && record.pepperId !== digests.pepperId) return 'other-pepper';
    return hasExpired(record, clock.now()) ? 'expired' : 'active';
  };
  const entryOf = async (keyId: string) => {
    const entry = KEY_ID.test(keyId) ? await store.get(KEY_PREFIX + keyId) : undefined;
    return entry && { record: entry.value as unknown as KeyRecord, revision: entry.revision };
  };
  const show = async (id: string, record: KeyRecord): Promise<ApiKey> => {
    const { kind, id: holder, issuedAt: createdAt, digest: _digest, pepperId: _pepperId, ...rest } = record;
    const lastUse = await uses.lastUse(id);
    return { id, kind, holder, state: stateOf(record), createdAt, ...rest, ...(lastUse !== undefined && { lastUsedAt: new Date(lastUse).toISOString() }) };
  };
  const records = async function* (holder?: KeyHolder) {
    for await (const { key, value } of store.list(KEY_PREFIX)) {
      const record = value as unknown as KeyRecord;
      if (holder === undefined || (record.kind === holder.kind && record.id === holder.id)) yield { id: key.slice(KEY_PREFIX.length), record };
    }
  };
  const put = (id: string, record: KeyRecord, expected: number) =>
    store.put(KEY_PREFIX + id, record as unknown as JsonObject, { expected, ...keepingTime(record, clock.now()) });
  const make = async (terms: Omit<KeyRecord, 'digest' | 'pepperId' | 'issuedAt' | 'expiresAt'>, ttlMs: number | undefined) => {
    clock.requireSure();
    const now = clock.now();
    const id = randomHex(8);
    const { secret: key } = mintSecret(`mk_${id}_`);
    const expiry = ttlMs === undefined ? {} : { expiresAt: new Date(now + ttlMs).toISOString() };
    const record: KeyRecord = { ...terms, ...digests.make(key), issuedAt: new Date(now).toISOString(), ...expiry };
    await put(id, record, 0);
    return { id, key, record };
  };
  const remove = async (id: string, record: KeyRecord) => {
    let deleted = false;
    try {
      deleted = await store.delete(KEY_PREFIX + id);
    } finally {
      // Also after a failure: the store may have done it all the same.
      check.forget(id);
    }
    uses.forget(id);
    if (deleted) onChange({ type: 'key-revoked', keyId: id, kind: record.kind, holder: record.id });
    return deleted;
  };

  return {
    open: async (key, remoteAddress) => {
      const opened = await check.open(key, remoteAddress);
      if (opened !== undefined) uses.touch(opened.id);
      return opened;
    },
    isLive: check.isLive,
    isLiveFrom: check.isLiveFrom,
    async issue({ kind, id: holder }, { ttlMs, ...terms } = {}) {
      const { id, key, record } = await make({ kind, id: holder, ...terms }, ttlMs);
      onChange({ type: 'key-issued', keyId: id, kind, holder });
      return { key, apiKey: await show(id, record) };
    },
    async get(keyId) {
      const entry = await entryOf(keyId);
      return entry && show(keyId, entry.record);
    },
    async list(holder) {
      const found: ApiKey[] = [];
      for await (const { id, record } of records(holder)) found.push(await show(id, record));
      return found.sort((a, b) => (a.createdAt === b.createdAt ? 0 : a.createdAt < b.createdAt ? -1 : 1));
    },
    async rotate(keyId, { overlapMs }) {
      const old = await entryOf(keyId);
      if (old === undefined) throw new NotFoundError(`there is no key ${JSON.stringify(keyId)}; list the keys`);
      const { record, revision } = old;
      const state = stateOf(record);
      if (state !== 'active') throw new ConflictError(`the key ${keyId} is worth nothing any more (${state}); make a new one`);
      if (record.replacedBy !== undefined) throw new ConflictError(`the key ${keyId} was rotated already; rotate ${record.replacedBy}, which took its place`);
      const { digest: _digest, pepperId: _pepperId, issuedAt, expiresAt, replaces: earlier, ...terms } = record;
      // Made before the old one is touched, and told only after: whatever fails in between, the old one still opens, and nobody has the new one.
      const made = await make({ ...terms, replaces: keyId }, expiresAt === undefined ? undefined : Date.parse(expiresAt) - Date.parse(issuedAt));
      try {
        if (overlapMs > 0) await put(keyId, { ...record, replacedBy: made.id, expiresAt: endOf(record, clock.now() + overlapMs) }, revision);
        else await store.delete(KEY_PREFIX + keyId, { expected: revision });
      } catch (error) {
        await store.delete(KEY_PREFIX + made.id).catch(() => {});
        if (!(error instanceof ConflictError)) throw error;
        throw new ConflictError(`the key ${keyId} was changed by somebody else at the same time; list the keys, then try again`, { cause: error });
      } finally {
        check.forget(keyId);
      }
      if (overlapMs <= 0) uses.forget(keyId);
      // At most two generations live.
      const grand = earlier === undefined ? undefined : await entryOf(earlier);
      if (earlier !== undefined && grand !== undefined) await remove(earlier, grand.record);
      onChange({ type: 'key-rotated', keyId: made.id, kind: record.kind, holder: record.id, replaces: keyId });
      return { key: made.key, apiKey: await show(made.id, made.record) };
    },
    async revoke(keyId) {
      const entry = await entryOf(keyId);
      return entry === undefined ? false : remove(keyId, entry.record);
    },
    async revokeAll(holder) {
      for await (const { id, record } of records(holder)) await remove(id, record);
    },
    async has(holder) {
      for await (const { record } of records(holder)) if (stateOf(record) === 'active') return true;
      return false;
    },
    close: () => uses.close(),
  };
}

const KEY_ID = /^[0-9a-f]{16}$/;

/** When a key ends that is to live until `until` at most. */
function endOf({ expiresAt }: KeyRecord, until: number): string {
  const own = expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
  return new Date(Math.min(own, until)).toISOString();
}
