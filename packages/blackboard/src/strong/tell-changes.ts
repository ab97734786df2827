import { type KeyValueChange, type KeyValueStore, MeshworkError } from '@meshwork/core';
import { foundIn } from './held-value.ts';
import { waitUntil } from './wait-until.ts';

export interface TellChangesOptions {
  readonly store: KeyValueStore;
  readonly prefix: string;
  readonly tell: (key: string) => void;
  readonly signal: AbortSignal;
}

const PAUSE_MS = 1_000;
/** Writes that are remembered as told. */
const MOST_TOLD = 10_000;

/** Tells of changed keys until `signal` aborts or the store is closed; after an outage it goes on where it was, as far as the store remembers. Never throws. */
export async function tellChanges({ store, prefix, tell, signal }: TellChangesOptions): Promise<void> {
  const isNews = createNewsFilter();
  let from: number | undefined;
  while (!signal.aborted) {
    try {
      for await (const change of store.watch(prefix, { signal, ...(from !== undefined && { from }) })) {
        from = change.revision;
        if (isNews(change)) tell(change.key);
      }
    } catch (error) {
      const code = MeshworkError.isInstance(error) ? error.code : undefined;
      if (code === 'CLOSED') return;
      if (code === 'HISTORY_DROPPED') from = undefined;
    }
    await waitUntil(PAUSE_MS, signal);
  }
}

/**
 * Leaves out what makes no difference to readers, first of all that which is put once more to confirm a read: whoever is told of it reads again, so confirms again, and so
 * on without end.
 */
function createNewsFilter(): (change: KeyValueChange) => boolean {
  const told = new Set<string>();
  return (change) => {
    // What expires was a deletion already.
    if (change.type === 'delete') return false;
    const { write, before, json } = foundIn(change);
    const changesNothing = json === undefined && before === undefined;
    if (changesNothing || told.has(write)) return false;
    told.add(write);
    for (const oldest of told) {
      if (told.size <= MOST_TOLD) break;
      told.delete(oldest);
    }
    return true;
  };
}
