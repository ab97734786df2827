import { ClosedError, ConflictError, InvalidInputError, type KeyValueChange, type KeyValueStore, type StoredValue } from '@meshwork/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collect, take } from './collect.ts';
import { expectRefusedValues, expectValuesOfTheirOwn } from './describe-values.ts';
import { expectHonestDurability } from './expect-honest-durability.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';

/** Opens a fresh, empty store that lives by the clock. */
export type OpenKeyValueStore = (clock: ManualClock) => KeyValueStore | Promise<KeyValueStore>;

/** Keys that trip naive drivers. */
const oddKeys = [
  '__proto__',
  'constructor',
  'a%',
  'a_b',
  "quote'",
  '"double"',
  'back\\slash',
  'slash/in/it',
  ' space ',
  'new\nline',
  'nul\u0000nul',
  'émoji 🙂',
  '\uffee high',
  '𐀀 higher',
  'A',
  'a',
  '-',
  '.',
];

/** The contract of the KeyValueStore port. A driver is done when it passes. */
export function describeKeyValueStore(name: string, open: OpenKeyValueStore): void {
  const withStore = (work: (store: KeyValueStore, clock: ManualClock) => Promise<void>) => async () => {
    const clock = manualClock();
    const store = await open(clock);
    try {
      await work(store, clock);
    } finally {
      await store.close();
    }
  };

  describe(`the ${name} key-value store`, () => {
    it(
      'gives back what was put, and nothing for a key that was not',
      withStore(async (store) => {
        const { revision } = await store.put('plan', { steps: [1, null, 'x'] });
        expect(await store.get('plan')).toEqual({ key: 'plan', value: { steps: [1, null, 'x'] }, revision });
        expect(await store.get('other')).toBeUndefined();
      }),
    );

    it(
      'keeps JSON of every kind, and bytes as bytes',
      withStore(async (store) => {
        const values: StoredValue[] = [
          null,
          true,
          0,
          -1.5,
          '',
          'text',
          [],
          {},
          [[1]],
          { a: { b: [null] } },
          new Uint8Array(),
          new Uint8Array([0, 255]),
          new Uint8Array(1_000_000).fill(7),
        ];
        for (const [index, value] of values.entries()) {
          await store.put(`value/${index}`, value);
          const kept = (await store.get(`value/${index}`))?.value;
          expect(kept).toEqual(value);
          expect(kept instanceof Uint8Array).toBe(value instanceof Uint8Array);
        }
      }),
    );

    it(
      'keeps a value of its own, whatever the caller does with his later',
      withStore(async (store) => {
        await expectValuesOfTheirOwn(async (value, spoil) => {
          const writing = store.put('mine', value);
          spoil();
          await writing;
          return (await store.get('mine'))?.value;
        });
      }),
    );

    it(
      'gives each reader a value of its own',
      withStore(async (store) => {
        await store.put('shared', { list: [1] });
        const [first] = await take(store.watch('shared', { from: 0 }), 1);
        for (const read of [first, await store.get('shared'), (await collect(store.list('shared')))[0]]) {
          const { list } = (read as unknown as { value: { list: number[] } }).value;
          expect(list).toEqual([1]);
          list.push(2);
        }
        expect((await store.get('shared'))?.value).toEqual({ list: [1] });
      }),
    );

    it(
      'refuses what is neither JSON nor bytes, and keeps what it had',
      withStore(async (store) => {
        await store.put('kept', 'before');
        await expectRefusedValues((value) => store.put('kept', value));
        expect((await store.get('kept'))?.value).toBe('before');
      }),
    );

    it(
      'tells every odd key from every other',
      withStore(async (store) => {
        for (const key of oddKeys) await store.put(key, key);
        for (const key of oddKeys) expect((await store.get(key))?.value).toBe(key);
        expect(await collect(store.list(''))).toHaveLength(oddKeys.length);
      }),
    );

    it(
      'refuses keys no driver can keep',
      withStore(async (store) => {
        for (const key of ['', '\ud800', 'x'.repeat(1_025), '€'.repeat(342)]) {
          await expect(store.put(key, 1)).rejects.toThrow(InvalidInputError);
          await expect(store.get(key)).rejects.toThrow(InvalidInputError);
        }
        await store.put('€'.repeat(341), 1);
      }),
    );

    it(
      'refuses a stale compare-and-set and changes nothing',
      withStore(async (store) => {
        const first = await store.put('counter', 1, { expected: 0 });
        await expect(store.put('counter', 9, { expected: 0 })).rejects.toThrow(ConflictError);
        const second = await store.put('counter', 2, { expected: first.revision });
        expect(second.revision).toBeGreaterThan(first.revision);
        await expect(store.put('counter', 9, { expected: first.revision })).rejects.toThrow(ConflictError);
        await expect(store.delete('counter', { expected: first.revision })).rejects.toThrow(ConflictError);
        expect(await store.get('counter')).toEqual({ key: 'counter', value: 2, revision: second.revision });
      }),
    );

    it(
      'counts exactly when eight writers race',
      withStore(async (store) => {
        await store.put('count', 0);
        const writer = async () => {
          for (let done = 0; done < 50; ) {
            const { value = 0, revision = 0 } = (await store.get('count')) ?? {};
            try {
              await store.put('count', Number(value) + 1, { expected: revision });
              done += 1;
            } catch (error) {
              if (!(error instanceof ConflictError)) throw error;
            }
          }
        };
        await Promise.all(Array.from({ length: 8 }, writer));
        expect((await store.get('count'))?.value).toBe(400);
      }),
    );

    it(
      'deletes once',
      withStore(async (store) => {
        await store.put('gone', 1);
        expect(await store.delete('gone')).toBe(true);
        expect(await store.delete('gone')).toBe(false);
        expect(await store.get('gone')).toBeUndefined();
        await store.put('gone', 2, { expected: 0 });
      }),
    );

    it(
      'hides an entry once its ttl has passed, and frees its key',
      withStore(async (store, clock) => {
        await store.put('brief', 1, { ttlMs: 50 });
        clock.advance(49);
        expect((await store.get('brief'))?.value).toBe(1);
        clock.advance(1);
        expect(await store.get('brief')).toBeUndefined();
        expect(await collect(store.list('brief'))).toEqual([]);
        await store.put('brief', 2, { expected: 0 });
        clock.advance(1_000);
        expect((await store.get('brief'))?.value).toBe(2);
      }),
    );

    it(
      'refuses a time to live that is no whole number of milliseconds from 1 on, and lets its neighbours be',
      withStore(async (store) => {
        const bad = [0, -1, 0.5, 1e19, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, '5' as unknown as number];
        const outcomes = await Promise.allSettled([store.put('first', 1), ...bad.map((ttlMs) => store.put('bad', 1, { ttlMs })), store.put('last', 1)]);
        expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', ...bad.map(() => 'rejected'), 'fulfilled']);
        for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(InvalidInputError);
        expect((await collect(store.list(''))).map(({ key }) => key)).toEqual(['first', 'last']);
        await store.put('ages', 1, { ttlMs: 2 ** 52 });
        expect((await store.get('ages'))?.value).toBe(1);
      }),
    );

    it(
      'takes a new time to live with each put, or none',
      withStore(async (store, clock) => {
        await store.put('longer', 1, { ttlMs: 10 });
        await store.put('longer', 2, { ttlMs: 100 });
        await store.put('for good', 1, { ttlMs: 10 });
        await store.put('for good', 2);
        await store.put('shorter', 1, { ttlMs: 100 });
        await store.put('shorter', 2, { ttlMs: 10 });
        await store.put('deleted', 1, { ttlMs: 10 });
        await store.delete('deleted');
        await store.put('deleted', 2);
        clock.advance(10);
        expect((await collect(store.list(''))).map(({ key }) => key)).toEqual(['deleted', 'for good', 'longer']);
        clock.advance(90);
        expect((await collect(store.list(''))).map(({ key }) => key)).toEqual(['deleted', 'for good']);
      }),
    );

    it(
      'lists a prefix in the order of the UTF-8 bytes',
      withStore(async (store) => {
        for (const key of oddKeys) await store.put(`list/${key}`, 1);
        await store.put('lisu', 1);
        const encoder = new TextEncoder();
        const sorted = oddKeys.map((key) => `list/${key}`).sort((a, b) => Buffer.compare(encoder.encode(a), encoder.encode(b)));
        expect((await collect(store.list('list/'))).map(({ key }) => key)).toEqual(sorted);
        expect((await collect(store.list('list/', { after: sorted.at(3) ?? '', limit: 2 }))).map(({ key }) => key)).toEqual(sorted.slice(4, 6));
      }),
    );

    it(
      'lists more keys than a page holds',
      withStore(async (store) => {
        const keys = Array.from({ length: 1_234 }, (_, index) => `many/${String(index).padStart(5, '0')}`);
        await Promise.all(keys.map((key) => store.put(key, key)));
        expect((await collect(store.list('many/'))).map(({ value }) => value)).toEqual(keys);
      }),
    );

    it(
      'shows a watcher each change once and in order',
      withStore(async (store) => {
        const changes = store.watch('w/')[Symbol.asyncIterator]();
        const first = changes.next();
        await store.put('other', 0);
        await store.put('w/a', 1);
        await store.put('w/a', 2);
        await store.delete('w/a');
        await store.put('w/b', new Uint8Array([1]));
        const seen = [await first, await changes.next(), await changes.next(), await changes.next()].map(({ value }) => value as KeyValueChange);
        expect(seen.map((change) => [change.type, change.key, 'value' in change ? change.value : undefined])).toEqual([
          ['put', 'w/a', 1],
          ['put', 'w/a', 2],
          ['delete', 'w/a', undefined],
          ['put', 'w/b', new Uint8Array([1])],
        ]);
        const revisions = seen.map(({ revision }) => revision);
        expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
        await changes.return?.();
      }),
    );

    it(
      'lets a watcher that comes back miss nothing',
      withStore(async (store) => {
        await store.put('w/0', 0);
        const [seen] = await take(store.watch('w/', { from: 0 }), 1);
        for (let index = 1; index <= 1_200; index++) void store.put(`w/${index}`, index);
        await store.put('w/last', 'last');
        const rest = await take(store.watch('w/', { from: seen?.revision ?? 0 }), 1_201);
        expect(rest.map((change) => (change.type === 'put' ? change.value : 'delete'))).toEqual([
          ...Array.from({ length: 1_200 }, (_, index) => index + 1),
          'last',
        ]);
      }),
    );

    it(
      'shows expiry to a watcher as a deletion',
      withStore(async (store, clock) => {
        await store.put('w/brief', 1, { ttlMs: 10 });
        const watcher = take(store.watch('w/', { from: 0 }), 2);
        clock.advance(11);
        await store.put('wake', 1);
        expect((await watcher).map(({ type }) => type)).toEqual(['put', 'delete']);
      }),
    );

    it(
      'shows expiry before the key is used again',
      withStore(async (store, clock) => {
        const { revision } = await store.put('w/brief', 1, { ttlMs: 10 });
        clock.advance(10);
        await store.put('w/brief', 2, { expected: 0 });
        expect((await take(store.watch('w/', { from: revision }), 2)).map(({ type }) => type)).toEqual(['delete', 'put']);
      }),
    );

    it(
      'shows expiry of a great many keys, each once',
      withStore(async (store, clock) => {
        const keys = Array.from({ length: 3_000 }, (_, index) => `w/${String(index).padStart(4, '0')}`);
        const revisions = await Promise.all(keys.map(async (key) => (await store.put(key, 1, { ttlMs: 10 })).revision));
        clock.advance(10);
        const changes = await take(store.watch('w/', { from: Math.max(...revisions) }), keys.length);
        expect(changes.every(({ type }) => type === 'delete')).toBe(true);
        expect(changes.map(({ key }) => key).sort()).toEqual(keys);
      }),
    );

    it(
      'loses no change made while a watch begins, though a key has expired unnoticed',
      withStore(async (store, clock) => {
        await store.put('x/brief', 1, { ttlMs: 10 });
        clock.advance(10);
        const changes = store.watch('w/')[Symbol.asyncIterator]();
        const first = changes.next();
        await store.put('w/a', 1);
        await store.put('w/b', 2);
        expect([(await first).value, (await changes.next()).value]).toMatchObject([
          { type: 'put', key: 'w/a' },
          { type: 'put', key: 'w/b' },
        ]);
        await changes.return?.();
      }),
    );

    it(
      'ends a watch when its signal aborts',
      withStore(async (store) => {
        const controller = new AbortController();
        const watching = collect(store.watch('', { signal: controller.signal }));
        setImmediate(() => controller.abort());
        expect(await watching).toEqual([]);
      }),
    );

    it(
      'says what its acknowledged writes survive, and is refused where that is too little',
      withStore(async (store) => expectHonestDurability(store)),
    );

    it('says that it is closed', async () => {
      const store = await open(manualClock());
      await store.close();
      await expect(store.get('a')).rejects.toThrow(ClosedError);
      await expect(store.put('a', 1)).rejects.toThrow(ClosedError);
      await expect(store.delete('a')).rejects.toThrow(ClosedError);
      await expect(collect(store.list(''))).rejects.toThrow(ClosedError);
      await expect(collect(store.watch(''))).rejects.toThrow(ClosedError);
      await expect(collect(store.watch('', { from: 0 }))).rejects.toThrow(ClosedError);
      await store.close();
    });

    it('ends a watch that is under way when it is closed', async () => {
      const store = await open(manualClock());
      const watching = collect(store.watch(''));
      await store.put('a', 1);
      await store.close();
      expect((await watching).length).toBeLessThanOrEqual(1);
    });

    it('behaves as a map with revisions does, whatever the commands', async () => {
      const key = fc.constantFrom('a', 'b', 'a/b', '𐀀', '\uffee');
      const command = fc.oneof(
        fc.record({ type: fc.constant('put' as const), key, value: fc.jsonValue({ maxDepth: 2 }), cas: fc.constantFrom('none', 'right', 'wrong') }),
        fc.record({ type: fc.constant('delete' as const), key }),
        fc.record({ type: fc.constant('list' as const), prefix: fc.constantFrom('', 'a') }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 30 }), async (commands) => {
          const store = await open(manualClock());
          const model = new Map<string, { value: unknown; revision: number }>();
          try {
            for (const each of commands) {
              if (each.type === 'put') {
                const present = model.get(each.key)?.revision ?? 0;
                const options = each.cas === 'none' ? {} : { expected: each.cas === 'right' ? present : present + 1 };
                const plain = JSON.parse(JSON.stringify(each.value));
                if (each.cas === 'wrong') await expect(store.put(each.key, plain, options)).rejects.toThrow(ConflictError);
                else model.set(each.key, { value: plain, revision: (await store.put(each.key, plain, options)).revision });
              } else if (each.type === 'delete') {
                expect(await store.delete(each.key)).toBe(model.delete(each.key));
              } else {
                const expected = [...model].filter(([name]) => name.startsWith(each.prefix)).map(([name, entry]) => ({ key: name, ...entry }));
                const byKey = (a: { key: string }, b: { key: string }) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));
                expect(await collect(store.list(each.prefix))).toEqual(expected.sort(byKey));
              }
            }
          } finally {
            await store.close();
          }
        }),
        { numRuns: 25 },
      );
    });
  });
}
