import { ClosedError } from '../errors.ts';

/**
 * A list of numbered items that readers follow at their own pace: the heart of `watch` and `follow` in every driver. A reader holds a
 * position, not a queue, so that a slow one costs nothing.
 */
export interface ChangeFeed {
  /** Wakes the readers: there may be more to read. */
  wake(): void;
  /** Ends all readers. */
  close(): void;
  /** Yields what `next` gives until `signal` aborts or the feed closes; waits whenever it gives nothing. @throws {ClosedError} when it was closed before. */
  read<T>(next: () => Promise<readonly T[]>, signal: AbortSignal | undefined): AsyncGenerator<T, void, undefined>;
}

export function createChangeFeed(): ChangeFeed {
  const sleepers = new Set<() => void>();
  let version = 0;
  let closed = false;
  const wakeAll = () => {
    version += 1;
    for (const wake of sleepers) wake();
    sleepers.clear();
  };
  const sleep = (signal: AbortSignal | undefined) =>
    new Promise<void>((resolve) => {
      const wake = () => {
        signal?.removeEventListener('abort', wake);
        sleepers.delete(wake);
        resolve();
      };
      sleepers.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  return {
    wake: wakeAll,
    close() {
      closed = true;
      wakeAll();
    },
    async *read(next, signal) {
      if (closed) throw new ClosedError('the store is closed');
      for (;;) {
        if (closed || signal?.aborted) return;
        const seen = version;
        const items = await next();
        for (const item of items) {
          if (signal?.aborted) return;
          yield item;
        }
        if (items.length === 0 && seen === version && !closed && !signal?.aborted) await sleep(signal);
      }
    },
  };
}
