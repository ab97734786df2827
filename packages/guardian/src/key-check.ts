import type { Clock, KeyValueStore } from '@meshwork/core';
import { type ParsedAddress, parseAddress } from './address.ts';
import type { KeyDigests } from './key-digest.ts';
import { createNetworkCheck } from './key-networks.ts';
import { hasExpired, KEY_PREFIX, type KeyRecord } from './key-record.ts';
import { digestOf, equalDigests } from './secret.ts';

/** Finds out whose key was shown. */
export interface KeyCheck {
  /** The key's id and record; `undefined` when it opens nothing from this address now. Why is neither told nor to be measured. */
  open(key: string, remoteAddress: string | undefined): Promise<{ readonly id: string; readonly record: KeyRecord } | undefined>;
  /** Whether a key that was shown before, when a connection was opened, would still be known. At once, unless it has to be read again. */
  isLive(keyId: string): boolean | Promise<boolean>;
  /** The same, and whether it opens from this address: for what was opened with a key and is held to its terms. */
  isLiveFrom(keyId: string, remoteAddress: string | undefined): boolean | Promise<boolean>;
  /** To be called once a change of the key is in the store: nothing read before it counts any more, also by lookups under way. */
  forget(keyId: string): void;
}

/** Sixteen and forty-three characters: anything else is refused before it costs a hash. */
const KEY = /^mk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;
const CACHE_SIZE = 10_000;
/** What was read is trusted so long, in milliseconds; so long a key may live on elsewhere after another hub has revoked it. */
const TRUST_MS = 5_000;
const NO_DIGEST = '0'.repeat(64);

interface Known {
  /** SHA-256 of the key, once it was shown: raw keys are not kept. Empty before. */
  readonly digest: string;
  readonly record: KeyRecord;
  readonly isFrom: (address: ParsedAddress) => boolean;
  readonly readAt: number;
}

export function createKeyCheck({ store, clock, digests }: { store: KeyValueStore; clock: Clock; digests: KeyDigests }): KeyCheck {
  /** By key id, so that a key is looked up every few seconds and not with every request. */
  const cache = new Map<string, Known>();
  const networkChecks = new Map<string, Known['isFrom']>();
  let changes = 0;

  /** Remembered, so that a key with networks does not give itself away by the time it takes to read them. */
  const networkCheckOf = ({ networks = [] }: KeyRecord): Known['isFrom'] => {
    const name = networks.join();
    const known = networkChecks.get(name) ?? createNetworkCheck(networks);
    if (networkChecks.size >= CACHE_SIZE) networkChecks.clear();
    networkChecks.set(name, known);
    return known;
  };

  const opens = ({ record, isFrom }: Known, address: string | undefined, now: number) => {
    const isThere = record.networks === undefined || isFrom(parseAddress(address));
    return !hasExpired(record, now) && isThere;
  };

  const isFresh = ({ readAt }: Known, now: number) => readAt <= now && now < readAt + TRUST_MS;
  const remember = (id: string, known: Known) => {
    if (cache.size >= CACHE_SIZE) cache.clear();
    cache.set(id, known);
  };

  /** What the store holds now; also what stands in for a record that is not there. */
  const read = async (id: string) => {
    for (;;) {
      const before = changes;
      const readAt = clock.now();
      const entry = await store.get(KEY_PREFIX + id);
      // A key that was changed while it was being looked up has to be read again.
      if (before === changes) return { isThere: entry !== undefined, record: (entry?.value ?? UNKNOWN) as unknown as KeyRecord, readAt };
    }
  };
  const lookUp = async (id: string, key: string, digest: string): Promise<Known | undefined> => {
    const candidates = digests.candidates(key, digest);
    const { isThere, record, readAt } = await read(id);
    const candidate = candidates.get(record.pepperId);
    // An unknown id is compared too, so that it takes as long as a wrong secret.
    const isEqual = equalDigests(candidate ?? NO_DIGEST, record.digest);
    const known = { digest, record, isFrom: networkCheckOf(record), readAt };
    if (!isEqual || candidate === undefined || !isThere) return undefined;
    remember(id, known);
    return known;
  };
  const lookUpAgain = async (id: string, holds: (known: Known, now: number) => boolean): Promise<boolean> => {
    const { isThere, record, readAt } = await read(id);
    const isOurs = isThere && (record.pepperId === undefined || record.pepperId === digests.pepperId);
    if (!isOurs) return false;
    const before = cache.get(id);
    const known = { digest: before?.record.digest === record.digest ? before.digest : '', record, isFrom: networkCheckOf(record), readAt };
    remember(id, known);
    return holds(known, clock.now());
  };
  const isLiveAs = (id: string, holds: (known: Known, now: number) => boolean): boolean | Promise<boolean> => {
    const now = clock.now();
    const cached = cache.get(id);
    return cached !== undefined && isFresh(cached, now) ? holds(cached, now) : lookUpAgain(id, holds);
  };

  return {
    async open(key, remoteAddress) {
      const id = KEY.exec(key)?.[1];
      if (id === undefined) return undefined;
      const digest = digestOf(key);
      const now = clock.now();
      const cached = cache.get(id);
      const isKnown = cached !== undefined && isFresh(cached, now) && equalDigests(cached.digest, digest);
      if (isKnown && opens(cached, remoteAddress, now)) return { id, record: cached.record };
      // Also what the cache would refuse is looked up, so that every refusal takes the same way.
      const known = await lookUp(id, key, digest);
      const isOpen = opens(known ?? NOBODY, remoteAddress, clock.now());
      return known !== undefined && isOpen ? { id, record: known.record } : undefined;
    },
    isLive: (keyId) => isLiveAs(keyId, isUnexpired),
    isLiveFrom: (keyId, remoteAddress) => isLiveAs(keyId, (known, now) => opens(known, remoteAddress, now)),
    forget(keyId) {
      changes += 1;
      cache.delete(keyId);
    },
  };
}

function isUnexpired({ record }: Known, now: number): boolean {
  return !hasExpired(record, now);
}

/** Stands in for a record that is not there, so that looking for it takes as long. */
const UNKNOWN: KeyRecord = { kind: 'agent', id: '', digest: NO_DIGEST, issuedAt: '', networks: [] };
const NOBODY: Known = { digest: NO_DIGEST, record: UNKNOWN, isFrom: () => false, readAt: 0 };
