import { type Clock, ConflictError, type KeyValueStore, UnavailableError } from '@meshwork/core';

/** Remembers what may be shown once only, for as long as it would be taken. */
export interface ReplayGuard {
  /** True the first time, on whichever hub of the store. @throws {UnavailableError} when there is no room to remember it. */
  isFirst(id: string): Promise<boolean>;
}

export interface ReplayGuardOptions {
  readonly clock: Clock;
  /** Milliseconds something would be taken after it was first shown. */
  readonly windowMs: number;
  /** Milliseconds by which the clocks of hubs may differ. Default 5,000. */
  readonly toleranceMs?: number;
  /** Remembered in memory at most. Default 100,000. */
  readonly maxEntries?: number;
  /** Remembers for all hubs that share it, and over restarts. Default: this process remembers what it has seen itself. */
  readonly store?: Pick<KeyValueStore, 'put'> | undefined;
}

const PREFIX = 'guardian/dpop/';

/**
 * What is shown again within `windowMs` is known. Beyond `maxEntries` nothing new is taken: forgetting the old would let it in again. What this
 * process has seen it refuses by itself; what is new to it is new only when the store has not had it either, and while that cannot say, nothing is.
 */
export function createReplayGuard({ clock, windowMs, toleranceMs = 5_000, maxEntries = 100_000, store }: ReplayGuardOptions): ReplayGuard {
  /** In the order they came, so that the oldest stands first. */
  const seen = new Map<string, number>();
  const isNewHere = (id: string): boolean => {
    const now = clock.now();
    for (const [old, at] of seen) {
      if (now - at <= windowMs) break;
      seen.delete(old);
    }
    if (seen.has(id)) return false;
    if (seen.size >= maxEntries) throw new UnavailableError('more DPoP proofs came than this hub can remember; try again in a minute');
    seen.set(id, now);
    return true;
  };
  // Clocks of hubs differ as those of clients do: whoever is behind takes a proof for longer.
  const ttlMs = windowMs + 2 * toleranceMs;

  return {
    async isFirst(id) {
      if (!isNewHere(id)) return false;
      if (store === undefined) return true;
      try {
        await store.put(PREFIX + id, { seen: true }, { expected: 0, ttlMs });
        return true;
      } catch (error) {
        if (error instanceof ConflictError) return false;
        throw error;
      }
    },
  };
}
