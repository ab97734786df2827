import { createMemoryStore, type Store, UnavailableError } from '@meshwork/core';
import { manualClock, take } from '@meshwork/testing';
import { describe, expect, it, vi } from 'vitest';
import { type Blackboard, type BlackboardOptions, type BoardSettings, createBlackboard, type Entry, type PeerLink } from '../../src/index.ts';

async function openHub(name: string, options: Partial<BlackboardOptions> = {}, settings: BoardSettings = {}): Promise<Blackboard> {
  return createBlackboard({ name, store: createMemoryStore(), place: name, boards: { plans: settings }, allowVolatile: true, ...options });
}

function linkTo(from: Blackboard, to: Blackboard): PeerLink {
  return { peer: to.name, request: (message) => to.peer.answer({ name: from.name }, message), send: () => {} };
}

/** Two hubs that know nothing of each other until `meet`. */
async function twoHubs(options: Partial<BlackboardOptions> = {}, settings: BoardSettings = {}) {
  const one = await openHub('one', options, settings);
  const two = await openHub('two', options, settings);
  return {
    one: one.board('plans'),
    two: two.board('plans'),
    hubs: [one, two] as const,
    async meet() {
      const ends = [one.connect(linkTo(one, two)), two.connect(linkTo(two, one))];
      await one.board('plans').sync();
      await two.board('plans').sync();
      for (const end of ends) end();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([one.close(), two.close()]);
    },
  };
}

const values = (entries: readonly (Entry | undefined)[]) => entries.map((entry) => entry?.value);

describe('concurrent writes', () => {
  it('are all kept, read the same everywhere, and end with a resolution', async () => {
    await using world = await twoHubs();
    const { one, two, meet } = world;
    await one.set('a', 'of one', { writer: 'ada' });
    await two.set('a', 'of two', { writer: 'bob' });
    await meet();
    for (const board of [one, two]) {
      expect(await board.get('a')).toMatchObject({ value: 'of two', conflicts: 1 });
      expect(values(await board.conflicts('a'))).toEqual(['of two', 'of one']);
    }
    await two.resolve('a', 'of both');
    await meet();
    for (const board of [one, two]) {
      expect(await board.get('a')).toMatchObject({ value: 'of both', conflicts: 0 });
      expect(await board.conflicts('a')).toEqual([]);
    }
  });

  it('of a counter add up, and of a set are all there', async () => {
    await using world = await twoHubs();
    const { one, two, meet } = world;
    await Promise.all([one.increment('count', 2), two.increment('count', 3), one.add('tags', 'x'), two.add('tags', 'y')]);
    await meet();
    for (const board of [one, two]) expect(values([await board.get('count'), await board.get('tags')])).toEqual([5, ['x', 'y']]);
    const [here, there] = [await one.get('count'), await two.get('count')];
    expect(here?.version).toBe(there?.version);
    expect(Object.keys(here?.clock ?? {})).toHaveLength(2);
  });

  it('refuses to resolve what is in no conflict, unless it reads so already', async () => {
    await using hub = await openHub('one');
    const board = hub.board('plans');
    await board.set('a', { n: 1 });
    expect(await board.resolve('a', { n: 1 })).toMatchObject({ value: { n: 1 } });
    await expect(board.resolve('a', { n: 2 })).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('an entry with a time to live', () => {
  it('reads as absent once that has passed, and is deleted everywhere', async () => {
    vi.useFakeTimers();
    try {
      const clock = manualClock();
      await using world = await twoHubs({ clock, syncEveryMs: 100 }, { rules: [{ prefix: 'short/', ttlMs: 1_000 }] });
      const { one, two, meet, hubs } = world;
      expect(await one.set('short/a', 1)).toMatchObject({ expiresAt: new Date(clock.now() + 1_000).toISOString() });
      await one.set('b', 2, { ttlMs: 5_000 });
      await meet();
      clock.advance(999);
      expect(values(await two.list(''))).toEqual([2, 1]);
      clock.advance(1);
      for (const board of [one, two]) {
        expect(await board.get('short/a')).toBeUndefined();
        expect(values(await board.list(''))).toEqual([2]);
      }
      await vi.advanceTimersByTimeAsync(150);
      await meet();
      expect((await hubs[1].status('plans')).keys).toBe(1);
      expect(await one.increment('short/a', 1)).toMatchObject({ value: 1 });
    } finally {
      vi.useRealTimers();
    }
  });

  it('is not counted on nor added to once it has expired, though it is still there', async () => {
    const clock = manualClock();
    await using hub = await openHub('one', { clock, syncEveryMs: 1_000_000 });
    const board = hub.board('plans');
    await board.increment('count', 5, { ttlMs: 1_000 });
    await board.add('tags', 'old', { ttlMs: 1_000 });
    await board.set('kind', 1, { ttlMs: 1_000 });
    clock.advance(1_000);
    expect(await board.remove('tags', 'old')).toBe(false);
    expect(await board.delete('kind')).toBe(false);
    expect(await board.increment('count', 1)).toMatchObject({ value: 1 });
    expect(await board.add('tags', 'new')).toMatchObject({ value: ['new'] });
    expect(await board.add('kind', 'x')).toMatchObject({ value: ['x'], kind: 'set' });
  });

  it('is deleted by another hub after a minute, when its writer is gone', async () => {
    vi.useFakeTimers();
    try {
      const clock = manualClock();
      await using world = await twoHubs({ clock, syncEveryMs: 100 });
      const { one, meet, hubs } = world;
      await one.set('a', 1, { ttlMs: 1_000 });
      await meet();
      await hubs[0].close();
      clock.advance(60_999);
      await vi.advanceTimersByTimeAsync(150);
      expect((await hubs[1].status('plans')).keys).toBe(1);
      clock.advance(1);
      await vi.advanceTimersByTimeAsync(150);
      expect((await hubs[1].status('plans')).keys).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('watching', () => {
  it('tells of changes under a prefix, own ones and those of others', async () => {
    await using world = await twoHubs();
    const { one, two, meet } = world;
    const seen = take(two.watch('task/'), 3);
    await two.set('task/1', 'here');
    await one.set('other', 0);
    await one.set('task/2', 'there');
    await meet();
    await two.delete('task/1');
    expect((await seen).map(({ key, before, after }) => [key, before?.value, after?.value, after?.tombstone])).toEqual([
      ['task/1', undefined, 'here', false],
      ['task/2', undefined, 'there', false],
      ['task/1', 'here', undefined, true],
    ]);
  });

  it('gives a slow reader one change of a key, from what it knew to what there is', async () => {
    await using hub = await openHub('one');
    const board = hub.board('plans');
    await board.set('a', 0);
    const reader = board.watch('')[Symbol.asyncIterator]();
    const first = reader.next();
    await board.set('b', 1);
    await first;
    for (let n = 1; n <= 5; n++) await board.set('a', n);
    const { value } = await reader.next();
    expect([value.before?.value, value.after?.value]).toEqual([0, 5]);
  });

  it('ends when its signal aborts or the hub closes', async () => {
    await using hub = await openHub('one');
    const ending = new AbortController();
    const [one, two] = [take(hub.board('plans').watch('', { signal: ending.signal }), 1), take(hub.board('plans').watch(''), 1)];
    ending.abort();
    expect(await one).toEqual([]);
    await hub.close();
    expect(await two).toEqual([]);
  });
});

describe('history', () => {
  it('has the latest changes of a key, newest first, of all hubs and also after a restart', async () => {
    const store = createMemoryStore();
    const kept: Store = { ...store, close: async () => {} };
    const settings: BoardSettings = { historyLength: 8 };
    const hub = await openHub('one', { store: kept }, settings);
    for (let n = 0; n < 30; n++) await hub.board('plans').set(n % 2 === 0 ? 'even' : 'odd', n);
    await hub.board('plans').delete('odd');
    await hub.close();
    await using again = await openHub('one', { store: kept }, settings);
    const history = await again.board('plans').history('odd');
    expect(history.map(({ value, tombstone }) => (tombstone ? 'deleted' : value))).toEqual(['deleted', 29, 27, 25, 23]);
    expect(values(await again.board('plans').history('even', { limit: 2 }))).toEqual([28, 26]);
  });

  it('is gathered for a tenth of a second, and shows a change as soon as its write is acknowledged', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const store = createMemoryStore();
      let appends = 0;
      let held: Promise<void> | undefined;
      const counting: Store = {
        ...store,
        async append(stream, ...rest) {
          if (!stream.endsWith('/history')) return store.append(stream, ...rest);
          appends += 1;
          await held;
          return store.append(stream, ...rest);
        },
      };
      await using hub = await openHub('one', { store: counting });
      const board = hub.board('plans');
      for (let n = 0; n < 3; n++) {
        await board.set('a', n);
        await vi.advanceTimersByTimeAsync(30);
      }
      expect(appends).toBe(0);
      expect(values(await board.history('a', { limit: 1 }))).toEqual([2]);
      expect(appends).toBe(1);
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      await board.set('a', 3);
      await vi.advanceTimersByTimeAsync(100);
      expect(appends).toBe(2);
      // What comes while an append is under way has its turn after that.
      await board.set('a', 4);
      await vi.advanceTimersByTimeAsync(100);
      expect(appends).toBe(2);
      resolve();
      await vi.advanceTimersByTimeAsync(100);
      expect(appends).toBe(3);
      expect(values(await board.history('a'))).toEqual([4, 3, 2, 1, 0]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('entries that come by other ways', () => {
  it('are merged unless they are superseded, and change nothing the second time', async () => {
    await using world = await twoHubs();
    const { one, two } = world;
    const old = await one.set('a', 'old');
    const entry = await one.set('a', 'new');
    await two.set('a', 'mine');
    expect((await two.merge([entry])).map(({ key, after }) => [key, after?.conflicts])).toEqual([['a', 1]]);
    expect(await two.merge([entry])).toEqual([]);
    await world.meet();
    expect(await one.merge([old])).toEqual([]);
    for (const board of [one, two]) expect(values(await board.conflicts('a')).sort()).toEqual(['mine', 'new']);
    expect((await world.hubs[0].status('plans')).digest).toBe((await world.hubs[1].status('plans')).digest);
  });

  it('are refused when they cannot be', async () => {
    await using hub = await openHub('one');
    const board = hub.board('plans');
    const entry = await board.set('a', 1);
    const count = await board.increment('count', 1);
    const bad: Entry[] = [count, { ...entry, version: 'zz' }, { ...entry, version: entry.version.replace(/^[^-]+/, 'zz') }, { ...entry, tombstone: true }];
    for (const one of bad) await expect(board.merge([one])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await board.get('a')).toEqual(entry);
  });
});

describe('what is refused', () => {
  it('says what it is, and changes nothing', async () => {
    await using hub = await openHub('one', {}, { maxKeys: 2, maxKeyLength: 10, maxValueLength: 50 });
    const board = hub.board('plans');
    await board.set('a', 1);
    await expect(board.compareAndSet('a', undefined, 1)).rejects.toThrow(/level strong/);
    await expect(board.set('\u0000member/x', 1)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(board.set('longer than ten', 1)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(board.set('b', 'x'.repeat(60))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(board.increment('a', 1)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(board.set('b', 1, { ttlMs: 0 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await board.set('b', 1);
    await expect(board.set('c', 1)).rejects.toMatchObject({ code: 'LIMITED' });
    await board.set('b', 2);
    await board.delete('b');
    await board.set('c', 1);
    expect(() => hub.board('none')).toThrow(/its boards are plans/);
    expect(() => board.session('nonsense')).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    await expect(createBlackboard({ name: 'x', store: createMemoryStore(), place: 'x', boards: {} })).rejects.toMatchObject({ code: 'NOT_DURABLE' });
    await expect(openHub('x', {}, { level: 'strong' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('a session', () => {
  it('goes on at another hub, which catches up or says that it cannot', async () => {
    await using world = await twoHubs({}, { level: 'session' });
    const { one, two, hubs } = world;
    const here = one.session();
    await here.set('a', 1);
    await expect(two.session(here.token).get('a', { timeoutMs: 20 })).rejects.toBeInstanceOf(UnavailableError);
    await expect(two.session(here.token).set('a', 2, { timeoutMs: 20 })).rejects.toBeInstanceOf(UnavailableError);
    const end = hubs[1].connect(linkTo(hubs[1], hubs[0]));
    const there = two.session(here.token);
    expect(await there.get('a')).toMatchObject({ value: 1, level: 'session' });
    await there.set('a', 2);
    await one.sync();
    await two.sync();
    expect(await one.session(there.token).get('a')).toMatchObject({ value: 2, conflicts: 0 });
    end();
  });
});
