import type { KeyValueEntry, Store } from '@meshwork/core';
import { bothKeys, isSameEntry } from './both-keys.ts';

export interface CopyKeysOptions {
  readonly from: Store;
  readonly to: Store;
  /** Told how many more keys were looked at. */
  readonly onKeys: (count: number) => void;
}

/** Writes under way at once. */
const AT_ONCE = 200;

/** Makes the target's keys those of the source: puts what is missing or different, deletes what is too much. */
export async function copyKeys({ from, to, onKeys }: CopyKeysOptions): Promise<void> {
  let writes: Promise<unknown>[] = [];
  const settle = async () => {
    const ended = await Promise.allSettled(writes);
    writes = [];
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  };
  for await (const { key, source, target } of bothKeys(from, to)) {
    if (source === undefined) writes.push(to.delete(key));
    else if (target === undefined || !isSameEntry(source, target)) writes.push(put(to, source));
    onKeys(1);
    if (writes.length >= AT_ONCE) await settle();
  }
  await settle();
}

function put(to: Store, { key, value, ttlMs }: KeyValueEntry): Promise<unknown> {
  return to.put(key, value, ttlMs === undefined ? {} : { ttlMs });
}
