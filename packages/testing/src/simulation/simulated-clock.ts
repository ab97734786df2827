import type { Clock } from '@meshwork/core';
import type { Chronicle } from './chronicle.ts';

/** A machine's clock, and what can be wrong with it. */
export interface SimulatedClock {
  /** Somebody sets the wall clock by `ms`, forward or back. */
  jump(ms: number): void;
  /** From now on it runs this many parts in a million too fast, or too slow; timers on the machine do too. */
  drift(ppm: number): void;
  /** Sets the wall clock right, and lets it run right. */
  correct(): void;
}

const EPOCH = Date.UTC(2026, 0, 1);

export interface OwnedClock extends SimulatedClock {
  rate(): number;
  /** As a process sees it that starts now: its monotonic clock begins at 0. */
  forNewLife(): Required<Clock>;
}

export function createSimulatedClock({
  node,
  now,
  chronicle,
}: {
  readonly node: string;
  readonly now: () => number;
  readonly chronicle: Chronicle;
}): OwnedClock {
  let rate = 1;
  let since = now();
  let passed = 0;
  let offset = EPOCH + since;
  const monotonic = () => passed + (now() - since) * rate;
  const setRate = (next: number) => {
    passed = monotonic();
    since = now();
    rate = next;
  };
  return {
    rate: () => rate,
    jump(ms) {
      offset += ms;
      chronicle.count('clock-jump', node, `${ms.toFixed(3)} ms`);
    },
    drift(ppm) {
      setRate(1 + ppm / 1e6);
      chronicle.count('clock-drift', node, `${ppm.toFixed(3)} ppm`);
    },
    correct() {
      setRate(1);
      offset = EPOCH + now() - passed;
    },
    forNewLife() {
      const born = monotonic();
      return { now: () => Math.floor(offset + monotonic()), monotonic: () => monotonic() - born };
    },
  };
}
