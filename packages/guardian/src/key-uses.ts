import type { Clock, KeyValueStore } from '@meshwork/core';

/** When keys were last used: kept in memory, and written now and then. Nobody waits for it. */
export interface KeyUses {
  touch(keyId: string): void;
  /** In milliseconds since the Unix epoch. */
  lastUse(keyId: string): Promise<number | undefined>;
  /** Forgets a key that is no more. */
  forget(keyId: string): void;
  /** Writes what was not written yet. */
  close(): Promise<void>;
}

/** Apart from the keys, so that no write of a time can meet a change of a key. */
const PREFIX = 'guardian/key-used/';
const WRITE_EVERY_MS = 60_000;
/** So long the store remembers a use; one left behind by another hub at a revocation goes by itself. */
const KEPT_MS = 366 * 86_400_000;
const SIZE = 10_000;

export function createKeyUses({ store, clock }: { readonly store: KeyValueStore; readonly clock: Clock }): KeyUses {
  const uses = new Map<string, { last: number; written: number }>();
  const writing = new Map<string, Promise<void>>();

  /** One change after another for each key. One that fails loses a time, not the call it belongs to. */
  const change = (keyId: string, work: () => Promise<unknown>) => {
    const done = (writing.get(keyId) ?? Promise.resolve())
      .then(work)
      .catch(() => {})
      .then(() => {
        if (writing.get(keyId) === done) writing.delete(keyId);
      });
    writing.set(keyId, done);
  };
  const write = (keyId: string, use: { last: number; written: number }) => {
    use.written = use.last;
    change(keyId, () => store.put(PREFIX + keyId, { at: new Date(use.written).toISOString() }, { ttlMs: KEPT_MS }));
  };

  return {
    touch(keyId) {
      const now = clock.now();
      let use = uses.get(keyId);
      if (use === undefined) {
        // The least used are not looked for: at worst a time is up to a minute old.
        if (uses.size >= SIZE) uses.clear();
        use = { last: now, written: Number.NEGATIVE_INFINITY };
        uses.set(keyId, use);
      }
      use.last = now;
      if (now - use.written >= WRITE_EVERY_MS && !writing.has(keyId)) write(keyId, use);
    },
    async lastUse(keyId) {
      const entry = await store.get(PREFIX + keyId);
      const kept = entry === undefined ? Number.NEGATIVE_INFINITY : Date.parse((entry.value as { at: string }).at);
      const last = Math.max(kept, uses.get(keyId)?.last ?? Number.NEGATIVE_INFINITY);
      return Number.isFinite(last) ? last : undefined;
    },
    forget(keyId) {
      uses.delete(keyId);
      change(keyId, () => store.delete(PREFIX + keyId));
    },
    async close() {
      for (const [keyId, use] of uses) if (use.last > use.written) write(keyId, use);
      await Promise.all(writing.values());
    },
  };
}
