/** Wakes whoever waits for work. A ring while nobody waits is not lost. */
export interface Bell {
  /** How often it has rung. */
  readonly rings: number;
  ring(): void;
  /** Ends when it rings, at once when it has since `rings` was read, after `ms` at the latest, or when the signal aborts. */
  wait(rings: number, ms: number, signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let rings = 0;
  let waiting: (() => void)[] = [];
  return {
    get rings() {
      return rings;
    },
    ring() {
      rings += 1;
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    wait: (seen, ms, signal) =>
      new Promise((resolve) => {
        if (seen !== rings || signal.aborted) return resolve();
        const end = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          waiting = waiting.filter((wake) => wake !== end);
          resolve();
        };
        const timer = setTimeout(end, ms);
        // In Node a timer keeps the process alive; where there is no such thing, it is a number.
        (timer as { unref?: () => void }).unref?.();
        signal.addEventListener('abort', end);
        waiting.push(end);
      }),
  };
}
