import type { Clock } from '@meshwork/core';

/** Where hybrid times begin: 2020. Counted from 1970 they would leave fewer years in 53 bits. */
const EPOCH = Date.UTC(2020, 0, 1);
const PER_MS = 4_096;

/** How far ahead of the own clock a time of another hub may be and still move this clock. */
const MAX_DRIFT_MS = 60_000;

/**
 * A hybrid logical clock (Kulkarni et al. 2014, "Logical physical clocks"): near the wall clock, and never behind what it has said or taken up. A time is one
 * number of 53 bits, milliseconds since 2020 times 4,096 and a logical counter in the lowest 12 bits.
 */
export interface HybridClock {
  /** The latest time given or taken up. */
  readonly last: number;
  /** A time later than all before. */
  next(): number;
  /** Takes up a time of another replica. One that is more than 60 s ahead of the wall clock is refused, and told of. */
  take(time: number, replica: string): void;
  /** Takes up an own time of an earlier life, however far ahead. */
  resume(time: number): void;
}

export function createHybridClock(clock: Clock, onRefused: (replica: string, aheadMs: number) => void = () => {}): HybridClock {
  let last = 0;
  return {
    get last() {
      return last;
    },
    next() {
      last = Math.max(last + 1, fromMs(clock.now()));
      return last;
    },
    take(time, replica) {
      if (time <= last) return;
      const aheadMs = Math.ceil((time - fromMs(clock.now())) / PER_MS);
      if (aheadMs > MAX_DRIFT_MS) onRefused(replica, aheadMs);
      else last = time;
    },
    resume(time) {
      last = Math.max(last, time);
    },
  };
}

/** Milliseconds since the Unix epoch. */
export function toMs(time: number): number {
  return EPOCH + Math.floor(time / PER_MS);
}

function fromMs(ms: number): number {
  return Math.max(0, Math.floor(ms) - EPOCH) * PER_MS;
}
