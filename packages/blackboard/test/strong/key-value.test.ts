import { createKeyValueStrongStore, type StrongStore } from '@meshwork/blackboard';
import {
  ClosedError,
  ConflictError,
  createMemoryStore,
  InvalidInputError,
  type KeyValueStore,
  NotDurableError,
  StoreFormatError,
  UnavailableError,
  UnknownOutcomeError,
} from '@meshwork/core';
import { collect, manualClock } from '@meshwork/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { enduring } from './hall.ts';

const longest = () => ({ signal: AbortSignal.timeout(30_000) });
const briefly = () => ({ signal: AbortSignal.timeout(100) });
const write = (key: string, value: number | string | undefined) => ({ key, value, writer: 'ann', time: 7 });

function two(store: KeyValueStore = enduring(createMemoryStore())): { readonly one: StrongStore; readonly other: StrongStore; readonly store: KeyValueStore } {
  const open = (name: string) => createKeyValueStrongStore({ name, board: 'plans', store });
  return { one: open('one'), other: open('two'), store };
}

describe('a register on a linearizable store', () => {
  it('is read everywhere as it was written last, with who wrote it', async () => {
    const { one, other } = two();
    expect(await other.read('plan', longest())).toBeUndefined();
    const first = await one.write(write('plan', 1), longest());
    expect(await other.read('plan', longest())).toEqual({
      key: 'plan',
      value: 1,
      version: first.version,
      writer: 'ann',
      replica: 'one',
      time: 7,
    });
    await other.write(write('plan', 2), longest());
    expect(await one.read('plan', longest())).toMatchObject({ value: 2, replica: 'two' });
  });

  it('carries every JSON value and key as it is', async () => {
    const { one, other } = two();
    const values = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)));
    const keys = fc.oneof(fc.constantFrom('__proto__', 'a/b', '\u{1f600}', '\uffff', '\u{10ffff}'), fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }));
    await fc.assert(
      fc.asyncProperty(keys, values, async (key, value) => {
        await one.write({ ...write(key, 0), value }, longest());
        expect((await other.read(key, longest()))?.value).toEqual(value);
      }),
      { numRuns: 200 },
    );
  });

  it('is set by one of those who saw the same', async () => {
    const { one, other } = two();
    const seen = await one.write(write('plan', 0), longest());
    const outcomes = await Promise.allSettled([
      one.compareAndSet(write('plan', 1), seen.version, longest()),
      other.compareAndSet(write('plan', 2), seen.version, longest()),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const present = await one.read('plan', longest());
    const failure = await one.compareAndSet(write('plan', 3), seen.version, longest()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConflictError);
    expect((failure as ConflictError).details).toEqual({ key: 'plan', version: present?.version });
  });

  it('that was never written or is deleted is set when it is expected to be absent', async () => {
    const { one, other } = two();
    const first = await one.compareAndSet(write('plan', 1), undefined, longest());
    await expect(other.compareAndSet(write('plan', 2), undefined, longest())).rejects.toThrow(ConflictError);
    await other.compareAndSet(write('plan', undefined), first.version, longest());
    await expect(one.compareAndSet(write('plan', 2), first.version, longest())).rejects.toThrow(/is absent/);
    await one.compareAndSet(write('plan', 2), undefined, longest());
    expect((await other.read('plan', longest()))?.value).toBe(2);
  });

  it('counts up by compare-and-set without losing a step', async () => {
    const { one, other } = two();
    const countUp = async (store: StrongStore) => {
      for (let done = 0; done < 50; ) {
        const seen = await store.read('count', longest());
        const next = write('count', Number(seen?.value ?? 0) + 1);
        await store.compareAndSet(next, seen?.version, longest()).then(
          () => done++,
          (error) => expect(error).toBeInstanceOf(ConflictError),
        );
      }
    };
    await Promise.all([countUp(one), countUp(other)]);
    expect((await one.read('count', longest()))?.value).toBe(100);
  });

  it('leaves nothing behind an hour after it was deleted', async () => {
    const clock = manualClock();
    const { one, store } = two(enduring(createMemoryStore({ clock })));
    const told: string[] = [];
    const stop = one.onChange((key) => told.push(key));
    await one.write(write('plan', 1), longest());
    await one.write(write('plan', undefined), longest());
    expect((await one.read('plan', longest()))?.value).toBeUndefined();
    expect(await one.list('', longest())).toEqual([]);
    clock.advance(3_600_001);
    expect(await collect(store.list(''))).toEqual([]);
    await one.compareAndSet(write('plan', 2), undefined, longest());
    await one.write(write('end', 1), longest());
    await expect.poll(() => told.at(-1)).toBe('end');
    // That the deletion is no longer kept is no change.
    expect(told).toEqual(['plan', 'plan', 'plan', 'end']);
    stop();
  });

  it('tells of what others write', async () => {
    const { one, other } = two();
    const heard: string[] = [];
    const stop = other.onChange((key) => heard.push(key));
    await expect
      .poll(async () => {
        await one.write(write('\u{10fffe}\ufffd', heard.length), longest());
        return heard.at(-1);
      })
      .toBe('\u{10fffe}\ufffd');
    stop();
  });
});

describe('a list', () => {
  it('is in the order of code units, whatever the keys, from anywhere on', async () => {
    const characters = fc.constantFrom('a', 'b', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{1f600}', '\u{10fffd}', '\u{10fffe}', '\u{10ffff}', '0', '1');
    const keys = fc.uniqueArray(fc.string({ unit: characters, minLength: 1, maxLength: 4 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        keys,
        fc.string({ unit: characters, maxLength: 2 }),
        fc.option(fc.string({ unit: characters, minLength: 1 })),
        async (written, prefix, after) => {
          const { one } = two();
          for (const key of written) await one.write(write(key, key), longest());
          const wanted = written.filter((key) => key.startsWith(prefix) && (after === null || key > after)).sort();
          const from = after === null ? {} : { after };
          expect((await one.list(prefix, { ...longest(), ...from })).map(({ key }) => key)).toEqual(wanted);
          expect((await one.list(prefix, { ...longest(), ...from, limit: 2 })).map(({ value }) => value)).toEqual(wanted.slice(0, 2));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('has nothing of other boards', async () => {
    const { one, store } = two();
    const nested = createKeyValueStrongStore({ name: 'one', board: 'plans/b', store });
    await nested.write(write('x', 1), longest());
    expect(await one.list('', longest())).toEqual([]);
    expect(await one.read('b/x', longest())).toBeUndefined();
  });
});

/** A store whose next puts fail: before they did anything, or after, or after and with others behind them. */
function faulty(store: KeyValueStore, fail: (put: () => Promise<unknown>) => Promise<never> | undefined): KeyValueStore {
  return { ...store, put: (key, value, options) => fail(() => store.put(key, value, options)) ?? store.put(key, value, options) };
}

describe('a write whose outcome the store does not say', () => {
  const lost = new UnknownOutcomeError('no answer');

  it.each([
    ['was done', async (put: () => Promise<unknown>) => void (await put())],
    ['was not done', async () => {}],
    ['is done later', async (put: () => Promise<unknown>) => void setTimeout(() => void put().catch(() => {}), 3)],
  ])('is acknowledged, and done once, when it %s', async (_what, meet) => {
    const shared = enduring(createMemoryStore());
    let failures = 2;
    const store = faulty(shared, (put) => (failures-- > 0 ? meet(put).then(() => Promise.reject(lost)) : undefined));
    const { one } = two(store);
    const done = await one.compareAndSet(write('plan', 1), undefined, longest());
    expect(await two(shared).other.read('plan', longest())).toEqual(done);
  });

  it('is acknowledged when another has replaced it already', async () => {
    const shared = enduring(createMemoryStore());
    const { other } = two(shared);
    let failures = 1;
    const store = faulty(shared, (put) =>
      failures-- > 0
        ? put()
            .then(() => other.write(write('plan', 2), longest()))
            .then(() => Promise.reject(lost))
        : undefined,
    );
    await two(store).one.write(write('plan', 1), longest());
    expect((await other.read('plan', longest()))?.value).toBe(2);
  });

  it('is made again when another came before it', async () => {
    const shared = enduring(createMemoryStore());
    const { other } = two(shared);
    let failures = 1;
    const store = faulty(shared, () => (failures-- > 0 ? other.write(write('plan', 2), longest()).then(() => Promise.reject(lost)) : undefined));
    await two(store).one.write(write('plan', 1), longest());
    expect((await other.read('plan', longest()))?.value).toBe(1);
  });

  it('stays one of which nobody knows when several have followed', async () => {
    const shared = enduring(createMemoryStore());
    const { other } = two(shared);
    let failures = 1;
    const follow = async () => {
      for (const value of [2, 3]) await other.write(write('plan', value), longest());
    };
    const store = faulty(shared, (put) =>
      failures-- > 0
        ? put()
            .then(follow)
            .then(() => Promise.reject(lost))
        : undefined,
    );
    await expect(two(store).one.write(write('plan', 1), longest())).rejects.toThrow(UnknownOutcomeError);
  });

  it('stays so when the store is silent until the end', async () => {
    const { one } = two(faulty(enduring(createMemoryStore()), () => new Promise(() => {})));
    await expect(one.write(write('plan', 1), briefly())).rejects.toThrow(UnknownOutcomeError);
  });
});

describe('a store whose reads may be old', () => {
  const open = (store: KeyValueStore) => createKeyValueStrongStore({ name: 'one', board: 'plans', store, confirmReads: true });

  /** Its next read gives what `take` noted; then it is as it should be. */
  function forgetful(store: KeyValueStore): { readonly store: KeyValueStore; note(): Promise<void>; recall(): void } {
    const place = 'blackboard/strong/plans/plan';
    let noted: Awaited<ReturnType<KeyValueStore['get']>>;
    let isOld = false;
    return {
      store: {
        ...store,
        get: async (key) => {
          const present = await store.get(key);
          const answer = isOld ? noted : present;
          isOld = false;
          return answer;
        },
      },
      async note() {
        noted = await store.get(place);
      },
      recall() {
        isOld = true;
      },
    };
  }

  it('tells of what is written once, and not of what confirms reads', async () => {
    const back = enduring(createMemoryStore());
    let puts = 0;
    const put: KeyValueStore['put'] = (...args) => {
      puts += 1;
      // A reader that is told at once reads at once, and confirms what it reads.
      if (puts > 1_000) throw new TypeError('it goes on without end');
      return back.put(...args);
    };
    const one = open({ ...back, put });
    const told: string[] = [];
    one.onChange((key) => {
      told.push(key);
      void one.read(key, longest()).catch(() => {});
    });
    expect(await one.read('absent', longest())).toBeUndefined();
    await one.write(write('plan', 1), longest());
    await one.read('plan', longest());
    await one.write(write('plan', 2), longest());
    await one.write(write('plan', undefined), longest());
    await one.read('plan', longest());
    await one.write(write('end', 1), longest());
    await expect.poll(() => told.at(-1)).toBe('end');
    expect(told).toEqual(['plan', 'plan', 'plan', 'end']);
    expect(puts).toBeLessThan(20);
    await one.close();
  });

  it('is read as it is, when reads are confirmed', async () => {
    const { store, note, recall } = forgetful(enduring(createMemoryStore()));
    const one = open(store);
    await note();
    recall();
    expect(await one.read('plan', longest())).toBeUndefined();
    await one.write(write('plan', 1), longest());
    recall();
    expect((await one.read('plan', longest()))?.value).toBe(1);
    expect((await one.list('', longest())).map(({ value }) => value)).toEqual([1]);
  });

  it('refuses no compare-and-set for what has long been replaced', async () => {
    const { store, note, recall } = forgetful(enduring(createMemoryStore()));
    const one = open(store);
    await one.write(write('plan', 1), longest());
    await note();
    const latest = await one.write(write('plan', 2), longest());
    recall();
    expect((await one.compareAndSet(write('plan', 3), latest.version, longest())).value).toBe(3);
  });

  it('makes no write twice whose outcome was not known', async () => {
    const shared = enduring(createMemoryStore());
    const { store, note, recall } = forgetful(shared);
    const other = open(shared);
    await other.write(write('plan', 1), longest());
    await note();
    // Read and confirmed: the same write under another revision.
    await other.read('plan', longest());
    let failures = 1;
    const lost = faulty(store, (put) =>
      failures-- > 0
        ? put()
            .then(() => other.write(write('plan', 3), longest()))
            .then(() => {
              recall();
              throw new UnknownOutcomeError('no answer');
            })
        : undefined,
    );
    await open(lost).write(write('plan', 2), longest());
    expect((await other.read('plan', longest()))?.value).toBe(3);
  });
});

describe('a store that cannot be used', () => {
  it('is unavailable while it does not answer, and nothing was written', async () => {
    const away = () => Promise.reject(new UnavailableError('away'));
    const { one } = two({ ...enduring(createMemoryStore()), get: away, put: away });
    await expect(one.read('plan', briefly())).rejects.toThrow(UnavailableError);
    await expect(one.write(write('plan', 1), briefly())).rejects.toThrow(UnavailableError);
  });

  it('is refused when it may lose what it acknowledged', () => {
    expect(() => two(createMemoryStore())).toThrow(NotDurableError);
    expect(() => two({ ...createMemoryStore(), durability: 'may-lose-acknowledged' })).toThrow(NotDurableError);
    createKeyValueStrongStore({ name: 'one', board: 'plans', store: createMemoryStore(), allowVolatile: true });
  });

  it('is not read where something else writes under the prefix', async () => {
    const { one, store } = two();
    await store.put('blackboard/strong/plans/plan', { write: 7 });
    await expect(one.read('plan', longest())).rejects.toThrow(StoreFormatError);
  });

  it('keeps no key or value that nobody can keep', async () => {
    const { one } = two();
    for (const refused of [write('', 1), write('\ud800', 1), { ...write('k', 1), time: 0.5 }])
      await expect(one.write(refused, longest())).rejects.toThrow(InvalidInputError);
    await expect(one.list('\ud800', longest())).rejects.toThrow(InvalidInputError);
  });

  it('does nothing once the board is closed', async () => {
    const { one } = two();
    await one.close();
    await expect(one.read('plan', longest())).rejects.toThrow(ClosedError);
  });
});
