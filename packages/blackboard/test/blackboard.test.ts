import { createMemoryStore, type JsonValue } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { type Blackboard, type BlackboardOptions, type BoardSettings, createBlackboard, type PeerLink } from '../src/index.ts';

const store = () => createMemoryStore();

async function openHub(name: string, options: Partial<BlackboardOptions> = {}, settings: BoardSettings = {}): Promise<Blackboard> {
  return createBlackboard({ name, store: store(), place: name, boards: { plans: settings }, allowVolatile: true, ...options });
}

/** A link in this process. */
function linkTo(from: Blackboard, to: Blackboard): PeerLink {
  return { peer: to.name, request: (message) => to.peer.answer({ name: from.name }, message), send: (message) => to.peer.hear({ name: from.name }, message) };
}

describe('a board of one hub', () => {
  it('gives back what was written, under every kind', async () => {
    await using hub = await openHub('one');
    const board = hub.board('plans');
    const entry = await board.set('task/1', { status: 'open' }, { writer: 'planner' });
    expect(entry).toMatchObject({
      key: 'task/1',
      value: { status: 'open' },
      kind: 'register',
      level: 'eventual',
      writer: 'planner',
      tombstone: false,
      conflicts: 0,
    });
    expect(await board.get('task/1')).toEqual(entry);
    await board.increment('count', 2);
    expect(await board.increment('count', 3)).toMatchObject({ value: 5, kind: 'counter' });
    await board.add('tags', 'b');
    expect(await board.add('tags', 'a')).toMatchObject({ value: ['a', 'b'], kind: 'set' });
    expect(await board.remove('tags', 'b')).toBe(true);
    expect(await board.remove('tags', 'b')).toBe(false);
    expect((await board.list('')).map(({ key, value }) => [key, value])).toEqual([
      ['count', 5],
      ['tags', ['a']],
      ['task/1', { status: 'open' }],
    ]);
    expect(await board.delete('task/1')).toBe(true);
    expect(await board.delete('task/1')).toBe(false);
    expect(await board.get('task/1')).toBeUndefined();
  });

  it('has after a restart what it had before', async () => {
    const kept = store();
    const values: Record<string, JsonValue> = {};
    for (let round = 0; round < 3; round++) {
      await using hub = await openHub('one', { store: { ...kept, close: async () => {} }, minLogBytes: 2_000 });
      const board = hub.board('plans');
      for (const [key, value] of Object.entries(values)) expect(await board.get(key)).toMatchObject({ value });
      await Promise.all(
        Array.from({ length: 50 }, (_, at) => {
          values[`key/${at % 20}`] = { round, at };
          return board.set(`key/${at % 20}`, { round, at });
        }),
      );
      await board.increment('count', 1);
      expect(await board.get('count')).toMatchObject({ value: round + 1 });
      expect((await hub.status('plans')).members).toHaveLength(1);
    }
  });
});

describe('boards of several hubs', () => {
  it('are kept apart in one store, and of one name in several boards', async () => {
    const shared = { ...store(), close: async () => {} };
    const boards = { plans: {}, 'plans/log': {} };
    const open = (name: string) => openHub(name, { store: shared, boards });
    {
      await using one = await open('one');
      await using two = await open('one/plans');
      await one.board('plans').set('a', 'one');
      await one.board('plans/log').set('a', 'log of one');
      await two.board('plans').set('a', 'two');
    }
    await using one = await open('one');
    await using two = await open('one/plans');
    const values = await Promise.all([one.board('plans'), one.board('plans/log'), two.board('plans'), two.board('plans/log')].map((board) => board.get('a')));
    expect(values.map((entry) => entry?.value)).toEqual(['one', 'log of one', 'two', undefined]);
  });

  it('have what the others wrote', async () => {
    await using one = await openHub('one');
    await using two = await openHub('two');
    one.connect(linkTo(one, two));
    two.connect(linkTo(two, one));
    await one.board('plans').set('a', 1);
    await two.board('plans').set('b', 2);
    await two.board('plans').sync();
    await one.board('plans').sync();
    for (const hub of [one, two])
      expect((await hub.board('plans').list('')).map(({ key, value }) => [key, value])).toEqual([
        ['a', 1],
        ['b', 2],
      ]);
    expect((await one.status('plans')).digest).toBe((await two.status('plans')).digest);
  });
});
