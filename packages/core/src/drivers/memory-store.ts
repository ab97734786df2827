import type { Store } from '../key-value-store.ts';
import { createMemoryJournal } from './memory-journal.ts';
import { createMemoryKeyValueStore, type MemoryStoreOptions } from './memory-key-value-store.ts';

/** Both ports in memory. Nothing survives the process. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  const keys = createMemoryKeyValueStore(options);
  const journal = createMemoryJournal(options);
  return {
    ...keys,
    ...journal,
    async close() {
      await Promise.all([keys.close(), journal.close()]);
    },
  };
}
