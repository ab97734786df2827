import { ClosedError, ConflictError, InvalidInputError, type Store } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { collect, take } from './collect.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';

/** The contract of both ports where everything a store holds is looked through, as by whoever copies it: which streams there are, and how long keys have left. */
export function describeInventory(name: string, open: (clock: ManualClock) => Store | Promise<Store>): void {
  const withStore = (work: (store: Store, clock: ManualClock) => Promise<void>) => async () => {
    const clock = manualClock();
    const store = await open(clock);
    try {
      await work(store, clock);
    } finally {
      await store.close();
    }
  };

  describe(`the inventory of the ${name} store`, () => {
    it(
      'names the streams in the order of their bytes, under a prefix or all',
      withStore(async (store) => {
        const names = ['b', 'a', 'a/b', 'a/', 'A', '__proto__', 'nul\u0000', '\uffee high', '𐀀 higher', '%', '_', 'é'];
        for (const stream of names) await store.append(stream, [1]);
        const inOrder = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(await collect(store.streams())).toEqual(inOrder);
        expect(await collect(store.streams('a'))).toEqual(['a', 'a/', 'a/b']);
        expect(await collect(store.streams('%'))).toEqual(['%']);
        expect(await collect(store.streams('none'))).toEqual([]);
      }),
    );

    it(
      'names a stream whose records are all dropped, and none that never had one',
      withStore(async (store) => {
        await store.append('dropped', [1, 2]);
        await store.trim('dropped', 3);
        await store.append('empty', []);
        await store.trim('never', 5);
        await expect(store.append('refused', [1], { expected: 7 })).rejects.toThrow();
        expect(await collect(store.streams())).toEqual(['dropped']);
      }),
    );

    it(
      'names streams across pages',
      withStore(async (store) => {
        const names = Array.from({ length: 1_234 }, (_, index) => `s/${String(index).padStart(5, '0')}`);
        await Promise.all(names.map((stream) => store.append(stream, [1])));
        expect(await collect(store.streams('s/'))).toEqual(names);
      }),
    );

    it(
      'says how long a key has left, and nothing of one that stays',
      withStore(async (store, clock) => {
        await store.put('brief', 1, { ttlMs: 1_000 });
        await store.put('lasting', 1);
        await store.put('was brief', 1, { ttlMs: 1_000 });
        await store.put('was brief', 2);
        clock.advance(300);
        expect(await store.get('brief')).toMatchObject({ ttlMs: 700 });
        const left = (await collect(store.list(''))).map((entry) => [entry.key, 'ttlMs' in entry ? entry.ttlMs : 'stays']);
        expect(left).toEqual([
          ['brief', 700],
          ['lasting', 'stays'],
          ['was brief', 'stays'],
        ]);
        expect(await store.get('lasting')).not.toHaveProperty('ttlMs');
      }),
    );

    it(
      'takes a copy of records with the times they had, all that the stream ends behind, and none else',
      withStore(async (store, clock) => {
        const { appendPast } = store;
        if (appendPast === undefined) throw new Error('a driver brings appendPast');
        const now = clock.now();
        const past = [now - 9_000, now - 9_000, now - 5_000, now - 7_000, now - 7_000, 0].map((time, index) => ({ time, value: { index } }));
        expect(await appendPast('log', past, { expected: 0 })).toEqual([1, 2, 3, 4, 5, 6]);
        await expect(appendPast('log', past, { expected: 5 })).rejects.toThrow(ConflictError);
        await expect(appendPast('log', [{ time: 1, value: new Date() as never }], { expected: 6 })).rejects.toThrow(InvalidInputError);
        expect(await appendPast('log', [], { expected: 6 })).toEqual([]);
        const following = take(store.follow('log', { from: 6 }), 3);
        expect(await store.append('log', ['now'])).toEqual([7]);
        expect(await appendPast('log', [{ time: now - 1, value: new Uint8Array([1]) }], { expected: 7 })).toEqual([8]);
        const times = [...past.map(({ time }) => time), now, now - 1];
        expect((await collect(store.read('log'))).map(({ offset, time }) => [offset, time])).toEqual(times.map((time, index) => [index + 1, time]));
        expect((await collect(store.read('log'))).map(({ value }) => value)).toEqual([...past.map(({ value }) => value), 'now', new Uint8Array([1])]);
        expect((await following).map(({ offset }) => offset)).toEqual([6, 7, 8]);
        expect([await store.head('log'), await collect(store.streams())]).toEqual([8, ['log']]);
        await store.trim('log', 4);
        expect((await collect(store.read('log'))).map(({ time }) => time)).toEqual(times.slice(3));
      }),
    );

    it('says that it is closed', async () => {
      const store = await open(manualClock());
      await store.close();
      await expect(collect(store.streams())).rejects.toThrow(ClosedError);
    });
  });
}
