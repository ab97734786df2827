import { createMemoryStore, type PastRecord, type Store, type StoredValue } from '@meshwork/core';
import { createKeyRing, encryptStore } from '@meshwork/core/encrypted';
import { collect, manualClock } from '@meshwork/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { migrateStore } from '../src/migrate/migrate-store.ts';
import { MIGRATION_MARK, refuseUnfinished } from '../src/store/migration-mark.ts';

class Killed extends Error {}

/** A store whose user is killed at a write: before it is done, or after it, without an answer. */
function killedAt(store: Store, write: number, isDone: boolean): Store {
  let writes = 0;
  const past = store.appendPast;
  const mortal = async <T>(work: () => Promise<T>): Promise<T> => {
    writes += 1;
    if (writes < write) return work();
    if (writes === write && isDone) await work();
    throw new Killed();
  };
  return {
    ...store,
    put: (...args) => mortal(() => store.put(...args)),
    delete: (...args) => mortal(() => store.delete(...args)),
    append: (...args) => mortal(() => store.append(...args)),
    ...(past && { appendPast: (...args) => mortal(() => past(...args)) }),
    trim: (...args) => mortal(() => store.trim(...args)),
  };
}

/** Everything a store holds, but for its revisions and what it says of itself. */
async function contentOf(store: Store) {
  const streams = await Promise.all(
    (await collect(store.streams())).map(async (stream) => ({
      stream,
      head: await store.head(stream),
      records: (await collect(store.read(stream))).map(({ offset, time, value }) => [offset, time, value]),
    })),
  );
  const keys = (await collect(store.list(''))).filter(({ key }) => key !== MIGRATION_MARK).map(({ key, value, ttlMs }) => [key, value, ttlMs]);
  return { keys, streams };
}

const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.uint8Array({ maxLength: 20 })) as fc.Arbitrary<StoredValue>;
const name = fc.oneof(fc.constantFrom('__proto__', 'a/b', 'a', '🙂', 'nul\u0000', '\uffee'), fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme-ascii' }));
const world = fc.record({
  keys: fc.array(fc.record({ key: name, value, ttlMs: fc.option(fc.integer({ min: 10_000, max: 100_000 }), { nil: undefined }) }), { maxLength: 30 }),
  streams: fc.array(fc.record({ stream: name, records: fc.array(value, { minLength: 1, maxLength: 20 }), trimmed: fc.integer({ min: 0, max: 25 }) }), {
    maxLength: 6,
  }),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

async function storeOf({ keys, streams }: World, clock = manualClock()): Promise<Store> {
  const store = createMemoryStore({ clock });
  for (const { key, value, ttlMs } of keys) await store.put(key, value, ttlMs === undefined ? {} : { ttlMs });
  for (const { stream, records, trimmed } of streams) {
    for (const record of records) {
      await store.append(stream, [record]);
      clock.advance(1);
    }
    await store.trim(stream, trimmed);
  }
  return store;
}

describe('a migration', () => {
  it('that is killed anywhere, as often as may be, and run again gives equal stores', async () => {
    await fc.assert(
      fc.asyncProperty(world, fc.array(fc.tuple(fc.integer({ min: 1, max: 25 }), fc.boolean()), { maxLength: 5 }), async (content, kills) => {
        const clock = manualClock();
        const from = await storeOf(content, clock);
        const to = createMemoryStore({ clock });
        for (const [write, isDone] of kills)
          await migrateStore({ from, to: killedAt(to, write, isDone), name: 'one' }).catch((error: unknown) => {
            if (!(error instanceof Killed)) throw error;
          });
        const result = await migrateStore({ from, to, name: 'one' });
        expect(await contentOf(to)).toEqual(await contentOf(from));
        const { keys, streams } = await contentOf(from);
        expect(result).toMatchObject({ keys: keys.length, streams: streams.length, records: streams.flatMap(({ records }) => records).length });
        await Promise.all([from.close(), to.close()]);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('goes on from where a stream was, and counts on from its end', async () => {
    const from = createMemoryStore();
    await from.append(
      'log',
      Array.from({ length: 12_345 }, (_, index) => index + 1),
    );
    await from.trim('log', 11_000);
    await from.append('gone', [1, 2, 3]);
    await from.trim('gone', 4);
    const to = createMemoryStore();
    await migrateStore({ from, to, name: 'one' });
    expect((await collect(to.read('log', { limit: 1 })))[0]).toMatchObject({ offset: 11_000, value: 11_000 });
    expect(await to.append('log', ['next'])).toEqual([12_346]);
    expect(await to.append('gone', ['next'])).toEqual([4]);
  });

  it('takes along what has changed in the source between two runs', async () => {
    const from = await storeOf({ keys: ['a', 'b', 'c'].map((key) => ({ key, value: 1, ttlMs: undefined })), streams: [] });
    const to = createMemoryStore();
    await expect(migrateStore({ from, to: killedAt(to, 4, true), name: 'one' })).rejects.toThrow(Killed);
    await from.delete('a');
    await from.put('b', 2);
    await migrateStore({ from, to, name: 'one' });
    expect((await collect(to.list(''))).map(({ key, value }) => [key, value])).toEqual([
      ['b', 2],
      ['c', 1],
      [MIGRATION_MARK, expect.objectContaining({ isDone: true })],
    ]);
  });

  it('refuses a target that holds something, or a part of another, and changes nothing there', async () => {
    const from = createMemoryStore();
    const full = createMemoryStore();
    await full.append('log', [1]);
    await expect(migrateStore({ from, to: full, name: 'one' })).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await contentOf(full)).toMatchObject({ keys: [] });
    await from.put('key', 1);
    const part = createMemoryStore();
    await expect(migrateStore({ from, to: killedAt(part, 2, false), name: 'one' })).rejects.toThrow(Killed);
    await expect(refuseUnfinished(part, 'part')).rejects.toMatchObject({ code: 'STORE_FORMAT' });
    await expect(migrateStore({ from, to: part, name: 'two' })).rejects.toMatchObject({ code: 'CONFLICT' });
    await migrateStore({ from, to: part, name: 'one' });
    await refuseUnfinished(part, 'part');
    expect(await migrateStore({ from, to: part, name: 'one' })).toMatchObject({ wasDone: true, keys: 1 });
    await expect(migrateStore({ from, to: part, name: 'two' })).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  const copying = (change: (records: readonly PastRecord[]) => readonly PastRecord[]) => ({
    appendPast: async (store: Store, stream: string, records: readonly PastRecord[], options: { expected: number }) =>
      store.appendPast?.(stream, change(records), options),
  });
  it.each([
    ['a key', { put: async (store: Store, key: string) => store.put(key, key === 'a' ? 'other' : 1) }],
    ['a record', copying((records) => records.map(({ time }) => ({ time, value: 'other' })))],
    ["a record's time", copying((records) => records.map(({ time, value }) => ({ time: time + 1, value })))],
    ['a lost record', copying((records) => records.slice(1))],
  ])('finds that a target kept %s wrongly', async (_what, wrong) => {
    const from = await storeOf({ keys: [{ key: 'a', value: 1, ttlMs: undefined }], streams: [{ stream: 's', records: [1, 2], trimmed: 0 }] });
    const store = createMemoryStore();
    const changed = Object.fromEntries(
      Object.entries(wrong).map(([name, method]) => [name, (...args: unknown[]) => (method as never as (...all: unknown[]) => unknown)(store, ...args)]),
    );
    await expect(migrateStore({ from, to: { ...store, ...changed } as Store, name: 'one' })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('differ'),
    });
  });

  it('brings a store to another encryption key', async () => {
    const keys = (id: string) => createKeyRing([{ id, secret: new Uint8Array(32).fill(id.length) }]);
    const raw = createMemoryStore();
    const from = encryptStore(await storeOf({ keys: [], streams: [] }), { keys: keys('old') });
    await from.put('a', 'secret');
    await from.append('log', ['secret']);
    await migrateStore({ from, to: encryptStore(raw, { keys: keys('newer') }), name: 'one' });
    const to = encryptStore(raw, { keys: keys('newer') });
    expect((await to.get('a'))?.value).toBe('secret');
    expect((await collect(to.read('log'))).map(({ value }) => value)).toEqual(['secret']);
  });
});
