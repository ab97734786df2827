import { type Clock, UnavailableError } from '@meshwork/core';

/** Remembers what may be shown once only, for as long as it would be taken. */
export interface ReplayGuard {
  /** True the first time. @throws {UnavailableError} when there is no room to remember it. */
  isFirst(id: string): boolean;
}

/** What is shown again within `windowMs` is known. Beyond `maxEntries` nothing new is taken: forgetting the old would let it in again. */
export function createReplayGuard({ clock, windowMs, maxEntries = 100_000 }: { clock: Clock; windowMs: number; maxEntries?: number }): ReplayGuard {
  /** In the order they came, so that the oldest stands first. */
  const seen = new Map<string, number>();
  return {
    isFirst(id) {
      const now = clock.now();
      for (const [old, at] of seen) {
        if (now - at <= windowMs) break;
        seen.delete(old);
      }
      if (seen.has(id)) return false;
      if (seen.size >= maxEntries) throw new UnavailableError('more DPoP proofs came than this hub can remember; try again in a minute');
      seen.set(id, now);
      return true;
    },
  };
}
