import { createMemoryStore, type KeyValueStore, type Store, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { manualClock, take } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';
import { type Board, type BoardSettings, createBlackboard, createKeyValueStrongStore, createQuorumStore, type StrongStore } from '../../src/index.ts';
import { linked } from '../faces/replica.ts';

const rules = [
  { prefix: 'free/', level: 'chosen' as const },
  { prefix: 'free/brief/', ttlMs: 1_000 },
  { prefix: 'lock/', level: 'strong' as const },
  { prefix: 'own/', level: 'session' as const },
];

/** A store that all hubs share: it can be away, and what was put can be lost on the way, or only the answer. */
function createShared() {
  const store = createMemoryStore();
  const trouble = { isAway: false, lost: [] as ('put' | 'answer')[], calls: 0 };
  const come = () => {
    trouble.calls += 1;
    if (trouble.isAway) throw new UnavailableError('the store is away');
  };
  const shared: KeyValueStore = {
    ...store,
    durability: 'durable',
    async get(key) {
      come();
      return store.get(key);
    },
    async put(key, value, options) {
      come();
      const lost = trouble.lost.shift();
      if (lost === 'put') throw new UnknownOutcomeError('nobody knows');
      const answer = await store.put(key, value, options);
      if (lost === 'answer') throw new UnknownOutcomeError('nobody knows');
      return answer;
    },
    async *list(prefix, options) {
      come();
      yield* store.list(prefix, options);
    },
  };
  return { shared, trouble };
}

type Shared = ReturnType<typeof createShared>;

async function openHub(
  name: string,
  { shared }: Pick<Shared, 'shared'>,
  { settings = { rules } as BoardSettings, disk = createMemoryStore() as Store, board = 'plans', confirmReads = false } = {},
) {
  const clock = manualClock();
  const strong = (): StrongStore => createKeyValueStrongStore({ name, board, store: shared, confirmReads });
  const hub = await createBlackboard({ name, place: name, store: disk, boards: { [board]: settings }, strong, clock, allowVolatile: true, syncEveryMs: 20 });
  return { hub, board: hub.board(board), clock, [Symbol.asyncDispose]: () => hub.close() };
}

const brief = { timeoutMs: 60 };

describe('the level of a key that writers choose', () => {
  it('is what its first write says, and without a word what the operation needs', async () => {
    await using world = await openHub('one', createShared());
    const { board } = world;
    expect(await board.set('free/a', 1, { level: 'strong' })).toMatchObject({ level: 'strong', clock: {} });
    expect(await board.set('free/b', 1, { level: 'eventual' })).toMatchObject({ level: 'eventual' });
    expect(await board.set('free/c', 1)).toMatchObject({ level: 'eventual' });
    expect(await board.compareAndSet('free/d', undefined, 1)).toMatchObject({ level: 'strong' });
    expect(await board.increment('free/e', 1)).toMatchObject({ level: 'eventual', kind: 'counter' });
    expect(await board.add('free/f', 1)).toMatchObject({ level: 'eventual', kind: 'set' });
    expect((await board.list('free/')).map(({ key, level }) => `${key} ${level}`)).toEqual([
      'free/a strong',
      'free/b eventual',
      'free/c eventual',
      'free/d strong',
      'free/e eventual',
      'free/f eventual',
    ]);
    expect((await board.list('')).length).toBe(6);
    expect(await board.list('\u0000')).toEqual([]);
    expect((await board.list('', { limit: 2 })).map(({ key }) => key)).toEqual(['free/a', 'free/b']);
    expect((await board.list('', { limit: 2, after: 'free/c' })).map(({ key }) => key)).toEqual(['free/d', 'free/e']);
    expect((await world.hub.status('plans')).keys).toBe(4);
  });

  it('is the same on every hub, and stays over deletions', async () => {
    const shared = createShared();
    await using one = await openHub('one', shared);
    await using two = await openHub('two', shared);
    await one.board.set('free/a', 1, { level: 'strong' });
    expect(await two.board.set('free/a', 2)).toMatchObject({ level: 'strong', value: 2 });
    expect(await one.board.get('free/a')).toMatchObject({ value: 2, level: 'strong' });
    await one.board.delete('free/a');
    await one.board.set('free/b', 1);
    await one.board.delete('free/b');
    for (const { board } of [one, two, await openHub('three', shared)]) {
      expect(await board.get('free/a')).toBeUndefined();
      for (const write of [board.set('free/a', 3, { level: 'eventual' }), board.increment('free/a', 1, { level: 'eventual' })])
        await expect(write).rejects.toMatchObject({
          code: 'CONFLICT',
          details: { key: 'free/a', level: 'strong' },
          message: expect.stringContaining('is of level strong'),
        });
      await expect(board.set('free/b', 3, { level: 'strong' })).rejects.toMatchObject({ code: 'CONFLICT', details: { level: 'eventual' } });
      await expect(board.compareAndSet('free/b', undefined, 3)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringContaining('is of level eventual'),
      });
      for (const write of [board.increment('free/a', 1), board.add('free/a', 1), board.remove('free/a', 1)])
        await expect(write).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('level strong') });
    }
  });

  it('is asked for by whatever comes first to a hub that does not know it', async () => {
    const shared = createShared();
    await using one = await openHub('one', shared);
    const entry = await one.board.set('free/other', 1);
    for (const [at, [work, outcome]] of (
      [
        [(board, key) => board.get(key), { value: 1, level: 'strong' }],
        [(board, key) => board.set(key, 2), { value: 2, level: 'strong' }],
        [(board, key) => board.compareAndSet(key, undefined, 2), { code: 'CONFLICT' }],
        [(board, key) => board.delete(key), true],
        [(board, key) => board.increment(key, 1), { code: 'INVALID_INPUT' }],
        [(board, key) => board.add(key, 1), { code: 'INVALID_INPUT' }],
        [(board, key) => board.remove(key, 1), { code: 'INVALID_INPUT' }],
        [(board, key) => board.conflicts(key), []],
        [(board, key) => board.resolve(key, 2), { code: 'CONFLICT' }],
        [(board, key) => board.merge([{ ...entry, key }]), { code: 'INVALID_INPUT' }],
      ] as [(board: Board, key: string) => Promise<unknown>, unknown][]
    ).entries()) {
      const key = `free/${at}`;
      await one.board.set(key, 1, { level: 'strong' });
      await using fresh = await openHub(`fresh${at}`, shared);
      const got = await work(fresh.board, key).catch((error: unknown) => error);
      if (typeof outcome === 'object' && !Array.isArray(outcome)) expect(got, key).toMatchObject(outcome as object);
      else expect(got, key).toEqual(outcome);
      expect((await fresh.hub.status('plans')).keys, key).toBe(0);
    }
  });

  it('is that of the record on a store whose reads are confirmed, and absent keys are told to nobody', async () => {
    const shared = createShared();
    await using one = await openHub('one', shared, { confirmReads: true });
    await using two = await openHub('two', shared, { confirmReads: true });
    const told = take(two.board.watch(''), 2);
    for (let turn = 0; turn < 2; turn++)
      for (const { board } of [one, two]) for (const key of ['free/a', 'free/b']) expect(await board.get(key)).toBeUndefined();
    await one.board.set('free/a', 1);
    await two.board.set('free/a', 1);
    await one.board.set('free/b', 1, { level: 'strong' });
    expect(await two.board.get('free/b')).toMatchObject({ value: 1, level: 'strong' });
    expect((await told).map(({ key, after }) => `${key} ${after?.level} ${after?.tombstone}`).toSorted()).toEqual([
      'free/a eventual false',
      'free/b strong false',
    ]);
  });

  it('is chosen by one of two that choose at the same time', async () => {
    const shared = createShared();
    await using one = await openHub('one', shared);
    await using two = await openHub('two', shared);
    for (let turn = 0; turn < 20; turn++) {
      const key = `free/${turn}`;
      const outcomes = await Promise.allSettled([one.board.set(key, 1, { level: 'strong' }), two.board.set(key, 2, { level: 'eventual' })]);
      const won = outcomes.filter(({ status }) => status === 'fulfilled');
      expect(won).toHaveLength(1);
      const { level } = (won[0] as PromiseFulfilledResult<{ level: string }>).value;
      expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'CONFLICT', details: { level } } });
    }
  });

  it('is not fixed by what makes no key', async () => {
    await using world = await openHub('one', createShared(), { settings: { rules, maxKeys: 1 } });
    const { board } = world;
    await board.set('full', 1);
    expect(await board.get('free/a')).toBeUndefined();
    expect(await board.delete('free/a')).toBe(false);
    expect(await board.remove('free/a', 1)).toBe(false);
    expect(await board.conflicts('free/a')).toEqual([]);
    await expect(board.resolve('free/a', 1)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(board.compareAndSet('free/a', 'some version', 1)).rejects.toMatchObject({ code: 'CONFLICT', details: { key: 'free/a' } });
    await expect(board.compareAndSet('free/a', undefined, 1, { level: 'eventual' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(board.increment('free/a', 1, { level: 'strong' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(board.increment('free/a', 0.5)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(board.set('free/a', 1, { ttlMs: -1 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(board.set('free/a', 1, { ttlMs: 5, level: 'strong' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(board.set('free/a', 1n as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(board.set('free/a', 1)).rejects.toMatchObject({ code: 'LIMITED' });
    const entry = await board.get('full');
    await expect(board.merge([{ ...entry!, key: 'free/a', version: 'none' }])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await board.set('free/a', 1, { level: 'strong' })).toMatchObject({ level: 'strong' });
  });

  it('can be eventual or strong: a session reads eventual keys', async () => {
    await using world = await openHub('one', createShared());
    const { board } = world;
    await expect(board.set('free/a', 1, { level: 'session' as never })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('session(token)'),
    });
    const session = board.session();
    expect(await session.set('free/a', 1)).toMatchObject({ level: 'eventual' });
    expect(await board.session(session.token).get('free/a')).toMatchObject({ value: 1 });
    expect(await session.compareAndSet('free/b', undefined, 1)).toMatchObject({ level: 'strong' });
    expect(await session.get('free/b')).toMatchObject({ value: 1 });
  });

  it('is the rule where a rule has one', async () => {
    await using world = await openHub('one', createShared());
    const { board } = world;
    expect(await board.set('lock/a', 1, { level: 'strong' })).toMatchObject({ level: 'strong' });
    expect(await board.set('a', 1, { level: 'eventual' })).toMatchObject({ level: 'eventual' });
    for (const [key, level] of [
      ['lock/a', 'eventual'],
      ['a', 'strong'],
      ['own/a', 'strong'],
      ['own/a', 'eventual'],
    ] as const)
      await expect(board.set(key, 1, { level })).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('by a rule') });
    await expect(board.compareAndSet('a', undefined, 1)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('has a rule whose ttl is for eventual keys', async () => {
    await using world = await openHub('one', createShared());
    const { board, clock } = world;
    await board.set('free/brief/a', 1);
    await board.set('free/brief/b', 1, { level: 'strong' });
    clock.advance(1_001);
    expect(await board.get('free/brief/a')).toBeUndefined();
    expect(await board.get('free/brief/b')).toMatchObject({ value: 1 });
    await expect(board.set('free/brief/a', 1, { level: 'strong' })).rejects.toMatchObject({ details: { level: 'eventual' } });
  });
});

describe('without the store', () => {
  it('what is known here goes on, and nobody guesses the rest', async () => {
    const shared = createShared();
    const disk = createMemoryStore();
    {
      await using before = await openHub('one', shared, { disk });
      await before.board.set('free/ours', 1);
      await before.board.set('free/theirs', 1, { level: 'strong' });
    }
    shared.trouble.isAway = true;
    await using one = await openHub('one', shared, { disk });
    const { board } = one;
    const callsBefore = shared.trouble.calls;
    expect(await board.get('free/ours')).toMatchObject({ value: 1 });
    expect(await board.set('free/ours', 2, { level: 'eventual' })).toMatchObject({ value: 2 });
    await expect(board.set('free/ours', 2, { level: 'strong' })).rejects.toMatchObject({ code: 'CONFLICT', details: { level: 'eventual' } });
    expect(await board.delete('free/ours')).toBe(true);
    expect(await board.set('free/ours', 3)).toMatchObject({ value: 3 });
    expect(shared.trouble.calls).toBe(callsBefore);
    for (const key of ['free/theirs', 'free/new'])
      for (const work of [
        board.get(key, brief),
        board.set(key, 1, brief),
        board.set(key, 1, { ...brief, level: 'eventual' }),
        board.set(key, 1, { ...brief, level: 'strong' }),
        board.delete(key, brief),
        board.increment(key, 1, brief),
        board.compareAndSet(key, undefined, 1, brief),
        board.conflicts(key, brief),
        board.resolve(key, 1, brief),
      ])
        await expect(work).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('level') });
    await expect(board.list('', brief)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    shared.trouble.isAway = false;
    expect(await board.set('free/new', 1, { level: 'strong' })).toMatchObject({ level: 'strong' });
  });

  it('the other hub goes on with what it has heard of', async () => {
    const shared = createShared();
    await using one = await openHub('one', shared);
    await using two = await openHub('two', shared);
    using _link = linked(one.hub, two.hub);
    const seen = take(two.board.watch('free/'), 1);
    await one.board.set('free/a', 1);
    expect((await seen)[0]).toMatchObject({ key: 'free/a', after: { level: 'eventual' } });
    shared.trouble.isAway = true;
    expect(await two.board.set('free/a', 2)).toMatchObject({ value: 2, level: 'eventual' });
    expect((await two.board.history('free/a')).map(({ value, level }) => [value, level])).toEqual([
      [2, 'eventual'],
      [1, 'eventual'],
    ]);
  });

  it('strong keys that are known here are not written, nor read', async () => {
    const shared = createShared();
    await using one = await openHub('one', shared);
    await one.board.set('free/a', 1, { level: 'strong' });
    shared.trouble.isAway = true;
    await expect(one.board.get('free/a', brief)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(one.board.set('free/a', 2, brief)).rejects.toMatchObject({ code: expect.stringMatching(/^UN/) });
    await expect(one.board.set('free/a', 2, { ...brief, level: 'eventual' })).rejects.toMatchObject({ details: { level: 'strong' } });
  });

  it.each(['put', 'answer'] as const)('a choice whose %s is lost is looked for', async (lost) => {
    const shared = createShared();
    await using one = await openHub('one', shared);
    await using two = await openHub('two', shared);
    shared.trouble.lost.push(lost);
    expect(await one.board.set('free/a', 1, { level: 'strong' })).toMatchObject({ level: 'strong', value: 1 });
    await expect(two.board.set('free/a', 1, { level: 'eventual' })).rejects.toMatchObject({ details: { level: 'strong' } });
  });

  it('a key that was chosen, and not written, is of that level for whoever comes next', async () => {
    const shared = createShared();
    await using one = await openHub('one', shared);
    const disk = createMemoryStore();
    const failing: Store = {
      ...disk,
      append: (stream, records, options) =>
        stream.endsWith('/log') && isFull ? Promise.reject(new UnavailableError('the disk is full')) : disk.append(stream, records, options),
    };
    let isFull = false;
    await using two = await openHub('two', shared, { disk: failing });
    isFull = true;
    await expect(two.board.set('free/a', 1, { level: 'eventual', timeoutMs: 100 })).rejects.toMatchObject({ code: 'UNKNOWN_OUTCOME' });
    expect(await one.board.get('free/a')).toBeUndefined();
    await expect(one.board.set('free/a', 2, { level: 'strong' })).rejects.toMatchObject({ details: { level: 'eventual' } });
    expect(await one.board.set('free/a', 2)).toMatchObject({ level: 'eventual', value: 2 });
    isFull = false;
  });
});

describe('a board where writers choose', () => {
  it.each<[string, BoardSettings, (() => Promise<StrongStore>) | undefined, RegExp]>([
    ['without a strong store', { level: 'chosen' }, undefined, /give a strong store/],
    [
      'on a quorum',
      { rules },
      () => createQuorumStore({ name: 'one', board: 'plans', members: ['one'], store: createMemoryStore(), links: () => undefined, allowVolatile: true }),
      /createKeyValueStrongStore/,
    ],
  ])('is not opened %s', async (_what, settings, open, message) => {
    const strong = await open?.();
    await expect(
      createBlackboard({
        name: 'one',
        place: 'one',
        store: createMemoryStore(),
        boards: { plans: settings },
        allowVolatile: true,
        ...(strong && { strong: () => strong }),
      }),
    ).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringMatching(message) });
    await strong?.close();
  });

  it('is not exchanged with a hub where they do not', async () => {
    const shared = createShared();
    await using one = await openHub('one', shared);
    await using two = await openHub('two', shared, { settings: { rules: rules.filter(({ prefix }) => prefix !== 'free/') } });
    using _link = linked(one.hub, two.hub);
    await one.board.set('a', 1);
    await expect(one.board.sync()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect((await one.hub.status('plans')).peers).toMatchObject([{ isReached: false, reason: expect.stringContaining('other level rules') }]);
  });

  it('keeps the level of keys that were strong by a rule before', async () => {
    const shared = createShared();
    {
      await using before = await openHub('one', shared, { settings: { level: 'strong' } });
      await before.board.set('free/a', 1);
    }
    await using one = await openHub('one', shared);
    await using two = await openHub('two', shared);
    expect(await one.board.get('free/a')).toMatchObject({ value: 1, level: 'strong' });
    await expect(two.board.set('free/a', 2, { level: 'eventual' })).rejects.toMatchObject({ details: { level: 'strong' } });
  });

  it('merges entries into eventual keys alone, and makes them so', async () => {
    const shared = createShared();
    await using one = await openHub('one', shared);
    await using two = await openHub('two', shared);
    const a = await one.board.set('free/a', 1);
    expect(await two.board.merge([a])).toMatchObject([{ key: 'free/a', after: { value: 1, level: 'eventual' } }]);
    await two.board.set('free/b', 1, { level: 'strong' });
    await expect(one.board.merge([{ ...a, key: 'free/b' }])).rejects.toThrow(/level strong/);
    await one.board.merge([{ ...a, key: 'free/c' }]);
    await expect(two.board.set('free/c', 1, { level: 'strong' })).rejects.toMatchObject({ details: { level: 'eventual' } });
  });

  it('has keys as long as it allows', async () => {
    const { shared } = createShared();
    const strong = () => createKeyValueStrongStore({ name: 'one', board: 'plans', store: shared, maxKeyLength: 20 });
    await using hub = await createBlackboard({
      name: 'one',
      place: 'one',
      store: createMemoryStore(),
      boards: { plans: { level: 'chosen', maxKeyLength: 20 } },
      strong,
      allowVolatile: true,
    });
    const board = hub.board('plans');
    expect(await board.set('k'.repeat(20), 1)).toMatchObject({ level: 'eventual' });
    expect(await board.set('l'.repeat(20), 1, { level: 'strong' })).toMatchObject({ level: 'strong' });
    await expect(board.set('m'.repeat(21), 1)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('tells of changes to strong keys, and of no record', async () => {
    await using world = await openHub('one', createShared(), { settings: { level: 'chosen' } });
    const { board } = world;
    const changes = take(board.watch(''), 2);
    await board.set('free/a', 1, { level: 'strong' });
    await board.set('free/b', 1);
    const told = await changes;
    expect(told.map(({ key, after }) => `${key} ${after?.level}`).toSorted()).toEqual(['free/a strong', 'free/b eventual']);
  });
});
