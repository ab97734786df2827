import { ClosedError, ConflictError, InvalidInputError, type Journal } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { collect, take } from './collect.ts';
import { expectRefusedValues, expectValuesOfTheirOwn } from './describe-values.ts';
import { expectHonestDurability } from './expect-honest-durability.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';

/** Opens a fresh, empty journal that lives by the clock. */
export type OpenJournal = (clock: ManualClock) => Journal | Promise<Journal>;

/** The contract of the Journal port. A driver is done when it passes. */
export function describeJournal(name: string, open: OpenJournal): void {
  const withJournal = (work: (journal: Journal, clock: ManualClock) => Promise<void>) => async () => {
    const clock = manualClock();
    const journal = await open(clock);
    try {
      await work(journal, clock);
    } finally {
      await journal.close();
    }
  };
  const values = async (journal: Journal, stream: string, range = {}) => (await collect(journal.read(stream, range))).map(({ value }) => value);

  describe(`the ${name} journal`, () => {
    it(
      'numbers records from 1 on and gives them back with their time',
      withJournal(async (journal, clock) => {
        expect(await journal.append('log', ['a', { b: 1 }])).toEqual([1, 2]);
        clock.advance(5);
        expect(await journal.append('log', [new Uint8Array([1, 2])])).toEqual([3]);
        const records = await collect(journal.read('log'));
        expect(records.map(({ offset, value }) => [offset, value])).toEqual([
          [1, 'a'],
          [2, { b: 1 }],
          [3, new Uint8Array([1, 2])],
        ]);
        expect(records.map(({ time }) => time - clock.now())).toEqual([-5, -5, 0]);
        expect(await journal.head('log')).toBe(3);
      }),
    );

    it(
      'keeps streams apart, however odd their names',
      withJournal(async (journal) => {
        const names = ['a', 'A', 'a/b', '__proto__', 'nul\u0000', "it's", '🙂', '%', '_'];
        for (const stream of names) await journal.append(stream, [stream]);
        for (const stream of names) expect(await values(journal, stream)).toEqual([stream]);
        await expect(journal.append('', ['x'])).rejects.toThrow(InvalidInputError);
        await expect(journal.append('\udfff', ['x'])).rejects.toThrow(InvalidInputError);
      }),
    );

    it(
      'appends in the order of the calls, also when several are under way',
      withJournal(async (journal) => {
        const appends = Array.from({ length: 50 }, (_, index) => journal.append('log', [index], { expected: index }));
        expect(await Promise.all(appends)).toEqual(appends.map((_, index) => [index + 1]));
        const results = await Promise.allSettled([50, 7, 51, 53].map((expected) => journal.append('log', [expected], { expected })));
        expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
        expect((await values(journal, 'log')).slice(50)).toEqual([50, 51]);
      }),
    );

    it(
      'reads nothing from a stream that is not there',
      withJournal(async (journal) => {
        expect(await values(journal, 'none')).toEqual([]);
        expect(await journal.head('none')).toBe(0);
        expect(await journal.append('none', [])).toEqual([]);
      }),
    );

    it(
      'leaves no gap when many append at once',
      withJournal(async (journal) => {
        const batches = await Promise.all(Array.from({ length: 100 }, (_, index) => journal.append('busy', [index, index, index])));
        expect(batches.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
        for (const [a = 0, b, c] of batches) expect([b, c]).toEqual([a + 1, a + 2]);
        expect((await collect(journal.read('busy'))).map(({ offset }) => offset)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
      }),
    );

    it(
      'refuses an append that expected another end, and appends nothing of it',
      withJournal(async (journal) => {
        await journal.append('log', ['a'], { expected: 0 });
        await expect(journal.append('log', ['b', 'c'], { expected: 0 })).rejects.toThrow(ConflictError);
        expect(await values(journal, 'log')).toEqual(['a']);
        expect(await journal.append('log', ['b'], { expected: 1 })).toEqual([2]);
      }),
    );

    it(
      'lets exactly one of many writers with one expectation win',
      withJournal(async (journal) => {
        const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => journal.append('race', [index], { expected: 0 })));
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        expect(await journal.head('race')).toBe(1);
      }),
    );

    it(
      'reads a range, across pages',
      withJournal(async (journal) => {
        await journal.append(
          'long',
          Array.from({ length: 1_234 }, (_, index) => index + 1),
        );
        expect(await values(journal, 'long', { from: 600, limit: 3 })).toEqual([600, 601, 602]);
        expect(await values(journal, 'long', { from: 1_233 })).toEqual([1_233, 1_234]);
        expect(await values(journal, 'long', { from: 2_000 })).toEqual([]);
        expect(await values(journal, 'long')).toHaveLength(1_234);
      }),
    );

    it(
      'follows from an old record to new ones without a gap or a double',
      withJournal(async (journal) => {
        await journal.append('log', [1, 2, 3]);
        const following = take(journal.follow('log', { from: 2 }), 4);
        await journal.append('other', ['x']);
        await journal.append('log', [4, 5]);
        expect((await following).map(({ value }) => value)).toEqual([2, 3, 4, 5]);
      }),
    );

    it(
      'follows only new records when no start is given, and ends with its signal',
      withJournal(async (journal) => {
        await journal.append('log', ['old']);
        const controller = new AbortController();
        const follower = journal.follow('log', { signal: controller.signal })[Symbol.asyncIterator]();
        const next = follower.next();
        await new Promise((resolve) => setImmediate(resolve));
        await journal.append('log', ['new']);
        expect((await next).value?.value).toBe('new');
        const end = follower.next();
        controller.abort();
        expect((await end).done).toBe(true);
      }),
    );

    it(
      'trims old records and counts on',
      withJournal(async (journal) => {
        await journal.append('log', ['a', 'b', 'c']);
        await journal.trim('log', 3);
        expect((await collect(journal.read('log'))).map(({ offset }) => offset)).toEqual([3]);
        await journal.trim('log', 10);
        expect(await journal.head('log')).toBe(3);
        expect(await journal.append('log', ['d'])).toEqual([4]);
      }),
    );

    it(
      'keeps values of its own, whatever the caller does with his later',
      withJournal(async (journal) => {
        await expectValuesOfTheirOwn(async (value, spoil) => {
          const writing = journal.append('log', [value]);
          spoil();
          await writing;
          return (await collect(journal.read('log'))).at(-1)?.value;
        });
      }),
    );

    it(
      'refuses what is neither JSON nor bytes, and appends nothing of it',
      withJournal(async (journal) => {
        await journal.append('log', ['kept']);
        await expectRefusedValues((value) => journal.append('log', ['good', value]));
        expect(await values(journal, 'log')).toEqual(['kept']);
      }),
    );

    it(
      'takes a very long append whole',
      withJournal(async (journal) => {
        const count = 300_000;
        const offsets = await journal.append('long', Array.from({ length: count }).fill(0) as number[]);
        expect([offsets.length, offsets.at(-1), await journal.head('long')]).toEqual([count, count, count]);
      }),
    );

    it(
      'says what its acknowledged records survive, and is refused where that is too little',
      withJournal(async (journal) => expectHonestDurability(journal)),
    );

    it('says that it is closed', async () => {
      const journal = await open(manualClock());
      await journal.close();
      await expect(journal.append('log', ['a'])).rejects.toThrow(ClosedError);
      await expect(journal.head('log')).rejects.toThrow(ClosedError);
      await expect(collect(journal.read('log'))).rejects.toThrow(ClosedError);
      await expect(collect(journal.follow('log'))).rejects.toThrow(ClosedError);
      await expect(collect(journal.follow('log', { from: 1 }))).rejects.toThrow(ClosedError);
    });
  });
}
