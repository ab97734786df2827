import { type KeyValueStore, MeshworkError } from '@meshwork/core';
import { waitUntil } from './wait-until.ts';

export interface TellChangesOptions {
  readonly store: KeyValueStore;
  readonly prefix: string;
  readonly tell: (key: string) => void;
  readonly signal: AbortSignal;
}

const PAUSE_MS = 1_000;

/** Tells of changed keys until `signal` aborts or the store is closed; after an outage it goes on where it was, as far as the store remembers. Never throws. */
export async function tellChanges({ store, prefix, tell, signal }: TellChangesOptions): Promise<void> {
  let from: number | undefined;
  while (!signal.aborted) {
    try {
      for await (const { key, revision } of store.watch(prefix, { signal, ...(from !== undefined && { from }) })) {
        from = revision;
        tell(key);
      }
    } catch (error) {
      const code = MeshworkError.isInstance(error) ? error.code : undefined;
      if (code === 'CLOSED') return;
      if (code === 'HISTORY_DROPPED') from = undefined;
    }
    await waitUntil(PAUSE_MS, signal);
  }
}
