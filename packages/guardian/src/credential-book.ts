import type { Clock, JsonObject, KeyValueStore } from '@meshwork/core';
import { digestOf, equalDigests, mintSecret, randomHex } from './secret.ts';

/** Whose key it is. */
export interface KeyOwner {
  readonly kind: 'agent' | 'admin';
  readonly id: string;
}

/** API keys, kept as digests. */
export interface CredentialBook {
  /** Makes a key for an owner; this is the only time it is seen. */
  issue(owner: KeyOwner): Promise<string>;
  /** Whose key this is, or `undefined`. */
  ownerOf(key: string): Promise<KeyOwner | undefined>;
  /** Makes all keys of an owner worthless, at once. */
  revokeAll(owner: KeyOwner): Promise<void>;
  /** True when any key has this owner. */
  has(owner: KeyOwner): Promise<boolean>;
}

interface KeyRecord extends KeyOwner {
  readonly digest: string;
  readonly issuedAt: string;
}

const PREFIX = 'guardian/key/';
const KEY = /^mk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;
const CACHE_SIZE = 10_000;

export function createCredentialBook({ store, clock }: { store: KeyValueStore; clock: Clock }): CredentialBook {
  /** Digest → owner, so that a key is looked up once and not with every request. Raw keys are not kept. */
  const cache = new Map<string, KeyOwner>();
  let revocations = 0;
  const records = async function* () {
    for await (const { key, value } of store.list(PREFIX)) yield { key, record: value as unknown as KeyRecord };
  };
  const isOf = (record: KeyRecord, owner: KeyOwner) => record.kind === owner.kind && record.id === owner.id;

  return {
    async issue(owner) {
      const keyId = randomHex(8);
      const { secret, digest } = mintSecret(`mk_${keyId}_`);
      const record: KeyRecord = { ...owner, digest, issuedAt: new Date(clock.now()).toISOString() };
      await store.put(PREFIX + keyId, record as unknown as JsonObject, { expected: 0 });
      return secret;
    },
    async ownerOf(key) {
      const match = KEY.exec(key);
      if (match === null) return undefined;
      const digest = digestOf(key);
      const known = cache.get(digest);
      if (known !== undefined) return known;
      const before = revocations;
      const entry = await store.get(PREFIX + match[1]);
      const record = entry?.value as unknown as KeyRecord | undefined;
      // An unknown id is compared too, so that it takes as long as a wrong secret.
      if (!equalDigests(digest, record?.digest ?? '0'.repeat(64)) || record === undefined) return undefined;
      const owner: KeyOwner = { kind: record.kind, id: record.id };
      if (cache.size >= CACHE_SIZE) cache.clear();
      // A key revoked while it was being looked up must not be remembered.
      if (before === revocations) cache.set(digest, owner);
      return owner;
    },
    async revokeAll(owner) {
      for await (const { key, record } of records()) {
        if (!isOf(record, owner)) continue;
        await store.delete(key);
        revocations += 1;
        cache.delete(record.digest);
      }
    },
    async has(owner) {
      for await (const { record } of records()) if (isOf(record, owner)) return true;
      return false;
    },
  };
}
