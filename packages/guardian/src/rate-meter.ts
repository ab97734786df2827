import type { Clock } from '@meshwork/core';

/** Counts how often something happened in the last minute, by name, in two numbers a name. */
export interface RateMeter {
  /** Counts one more and returns the count of the last 60 seconds, that one included. */
  count(name: string): number;
}

const MINUTE = 60_000;
const NAMES = 10_000;

/** A sliding window made of this minute's count and the last minute's, weighted by how much of it still counts. */
export function createRateMeter(clock: Clock): RateMeter {
  const meters = new Map<string, { minute: number; current: number; previous: number }>();
  return {
    count(name) {
      const now = clock.now();
      const minute = Math.floor(now / MINUTE);
      const meter = meters.get(name) ?? { minute, current: 0, previous: 0 };
      if (meter.minute !== minute) {
        meter.previous = meter.minute === minute - 1 ? meter.current : 0;
        meter.current = 0;
        meter.minute = minute;
      }
      meter.current += 1;
      meters.delete(name);
      meters.set(name, meter);
      if (meters.size > NAMES) meters.delete(meters.keys().next().value ?? name);
      return Math.floor(meter.current + meter.previous * (1 - (now % MINUTE) / MINUTE));
    },
  };
}
