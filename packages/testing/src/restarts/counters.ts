import type { KeyValueStore } from '@meshwork/core';
import type { Witness } from './witness.ts';

/** Where the counters are. */
const PREFIX = 'count/';
const PAUSE_MS = 5;

/** Counts one key up by compare-and-set until it is told to stop, and looks where it stands whenever a write did not end well. */
export async function countUp(store: KeyValueStore, name: string, witness: Witness, isOver: () => boolean): Promise<number> {
  const key = `${PREFIX}${name}`;
  let value = 0;
  let revision = 0;
  while (!isOver()) {
    const put = await witness.write(`put ${key}`, () => store.put(key, value + 1, { expected: revision }));
    if (put.value !== undefined) {
      value += 1;
      revision = put.value.revision;
      continue;
    }
    const entry = await witness.read(`get ${key}`, () => store.get(key));
    const found = Number(entry?.value ?? 0);
    const stayed = found === value && (entry?.revision ?? 0) === revision;
    if (!stayed && !(put.ending === 'unknown' && found === value + 1))
      witness.fault(`${key} is ${found} after a write of ${value + 1} that was ${put.ending}; it was ${value}`);
    value = found;
    revision = entry?.revision ?? 0;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  const last = Number((await witness.read(`get ${key}`, () => store.get(key)))?.value ?? 0);
  if (last !== value) witness.fault(`${key} is ${last} at the end, and was counted to ${value}`);
  return last;
}

/** Watches all counters: each must be seen to take every value, in order, once. Returns how far each was seen. */
export async function watchCounters(store: KeyValueStore, witness: Witness, signal: AbortSignal, seen: Map<string, number>): Promise<void> {
  let revision = 0;
  for await (const change of store.watch(PREFIX, { from: 0, signal })) {
    const name = change.key.slice(PREFIX.length);
    const before = seen.get(name) ?? 0;
    const value = change.type === 'put' ? Number(change.value) : Number.NaN;
    if (value !== before + 1) witness.fault(`a watcher of ${change.key} saw ${change.type === 'put' ? value : 'a deletion'} after ${before}`);
    if (change.revision <= revision) witness.fault(`a watcher saw revision ${change.revision} after ${revision}`);
    seen.set(name, value);
    revision = change.revision;
  }
}
