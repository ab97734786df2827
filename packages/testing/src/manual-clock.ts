import type { Clock } from '@meshwork/core';

/** A clock that stands still until it is moved. */
export interface ManualClock extends Required<Clock> {
  /** Time passes. A negative `ms` sets the wall clock back alone, for time does not. */
  advance(ms: number): void;
  /** Somebody sets the wall clock by `ms`, forward or back, and no time passes; or the machine sleeps that long. */
  jump(ms: number): void;
}

/** Starts at `start`, in milliseconds since the Unix epoch. */
export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let now = start;
  let passed = 0;
  return {
    now: () => now,
    monotonic: () => passed,
    advance(ms) {
      now += ms;
      passed += Math.max(0, ms);
    },
    jump(ms) {
      now += ms;
    },
  };
}
