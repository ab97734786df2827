import type { EntryChange } from '../entry.ts';

/** Readers of changes, each at its own pace. */
export interface Watchers {
  /** Whether anybody reads. */
  readonly size: number;
  tell(change: EntryChange): void;
  /** Changes under the prefix from the first `next()` on, of each key the latest that was not read yet. */
  watch(prefix: string, signal: AbortSignal | undefined): AsyncIterable<EntryChange>;
  close(): void;
}

interface Reader {
  readonly prefix: string;
  readonly changes: Map<string, EntryChange>;
  wake: () => void;
}

export function createWatchers(): Watchers {
  const readers = new Set<Reader>();
  let isClosed = false;
  return {
    get size() {
      return readers.size;
    },
    tell(change) {
      for (const { prefix, changes, wake } of readers) {
        if (!change.key.startsWith(prefix)) continue;
        const earlier = changes.get(change.key);
        // What a slow reader has not seen yet becomes one change; it keeps its place.
        changes.set(change.key, earlier === undefined ? change : { ...change, before: earlier.before });
        wake();
      }
    },
    async *watch(prefix, signal) {
      const reader: Reader = { prefix, changes: new Map(), wake: () => {} };
      readers.add(reader);
      const abort = () => reader.wake();
      signal?.addEventListener('abort', abort);
      try {
        while (!isClosed && signal?.aborted !== true) {
          const [next] = reader.changes;
          if (next !== undefined) {
            reader.changes.delete(next[0]);
            yield next[1];
            continue;
          }
          await new Promise<void>((resolve) => {
            reader.wake = resolve;
          });
        }
      } finally {
        readers.delete(reader);
        signal?.removeEventListener('abort', abort);
      }
    },
    close() {
      isClosed = true;
      for (const { wake } of readers) wake();
    },
  };
}
