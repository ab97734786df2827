import { ConflictError, InvalidInputError, type JsonValue } from '@meshwork/core';
import type { ReadOptions, WriteOptions } from '../board.ts';
import type { Entry } from '../entry.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { StrongStore, StrongWrite } from '../strong/strong-store.ts';
import { entryOfStrong } from './entry-of.ts';
import { inTime, unknownOutcome } from './in-time.ts';

export interface StrongKeysOptions {
  readonly store: StrongStore;
  readonly time: HybridClock;
  /** Who writes when nobody is named. */
  readonly hub: string;
}

/** The keys of level `strong` as entries of a board. */
export interface StrongKeys {
  get(key: string, options: ReadOptions): Promise<Entry | undefined>;
  set(key: string, value: JsonValue, options: WriteOptions): Promise<Entry>;
  delete(key: string, options: WriteOptions): Promise<boolean>;
  compareAndSet(key: string, expected: string | undefined, value: JsonValue, options: WriteOptions): Promise<Entry>;
  list(prefix: string, bounds: { readonly after?: string; readonly limit?: number }, options: ReadOptions): Promise<readonly Entry[]>;
}

export function createStrongKeys({ store, time, hub }: StrongKeysOptions): StrongKeys {
  const writeOf = (key: string, value: JsonValue | undefined, { writer = hub, ttlMs }: WriteOptions): StrongWrite => {
    if (ttlMs !== undefined) throw neverExpires(key);
    return { key, value, writer, time: time.next() };
  };
  const read = (key: string, options: ReadOptions) => withSignal((signal) => store.read(key, { signal }), options);
  const write = (one: StrongWrite, options: WriteOptions) => withSignal((signal) => store.write(one, { signal }), options, unknownOutcome);
  return {
    async get(key, options) {
      const reading = await read(key, options);
      return reading?.value === undefined ? undefined : entryOfStrong(reading);
    },
    set: async (key, value, options) => entryOfStrong(await write(writeOf(key, value, options), options)),
    async delete(key, options) {
      const deletion = writeOf(key, undefined, options);
      if ((await read(key, options))?.value === undefined) return false;
      await write(deletion, options);
      return true;
    },
    async compareAndSet(key, expected, value, options) {
      const one = writeOf(key, value, options);
      return entryOfStrong(await withSignal((signal) => store.compareAndSet(one, expected, { signal }), options, unknownOutcome));
    },
    async list(prefix, bounds, options) {
      const readings = await withSignal((signal) => store.list(prefix, { signal, ...bounds }), options);
      return readings.filter(({ value }) => value !== undefined).map(entryOfStrong);
    },
  };
}

export function neverExpires(key: string): InvalidInputError {
  return new InvalidInputError(`keys of level strong do not expire, and ${JSON.stringify(key)} is one; leave ttlMs out`);
}

/** What a compare-and-set meets that expects a version of a key that is nowhere. */
export function isAbsent(key: string): ConflictError {
  return new ConflictError(`the key ${JSON.stringify(key)} is absent; read it again and retry`, { details: { key } });
}

/** The store is told when the time is over. */
export async function withSignal<T>(
  work: (signal: AbortSignal) => Promise<T>,
  options: ReadOptions,
  late?: (why: string, cause: unknown) => Error,
): Promise<T> {
  const ending = new AbortController();
  try {
    return await inTime(work(ending.signal), options, late);
  } finally {
    ending.abort();
  }
}
