import { createMemoryStore, type Store, type StoredValue } from '@meshwork/core';

/** A store with the streams that another one holds at this moment. */
export async function backupOf(store: Store, copy: Store = createMemoryStore()): Promise<Store> {
  for await (const stream of store.streams()) {
    const records = new Map<number, StoredValue>();
    for await (const { offset, value } of store.read(stream)) records.set(offset, value);
    const head = await store.head(stream);
    await copy.append(
      stream,
      Array.from({ length: head }, (_, at) => records.get(at + 1) ?? null),
    );
    await copy.trim(stream, Math.min(head + 1, ...records.keys()));
  }
  return copy;
}
