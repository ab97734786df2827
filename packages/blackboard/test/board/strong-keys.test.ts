import { ConflictError, createMemoryStore, UnavailableError } from '@meshwork/core';
import { take } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';
import { createBlackboard, type StrongReading, type StrongStore, type StrongWrite } from '../../src/index.ts';

/** Registers in this process. */
function createRegisters() {
  const registers = new Map<string, StrongReading>();
  const listeners = new Set<(key: string) => void>();
  let writes = 0;
  const put = (write: StrongWrite): StrongReading => {
    const reading = { ...write, version: `v${++writes}`, replica: 'registers' };
    registers.set(write.key, reading);
    for (const listener of listeners) listener(write.key);
    return reading;
  };
  const store: StrongStore & { isAway: boolean } = {
    isAway: false,
    hasCompareAndSet: true,
    async read(key) {
      if (store.isAway) throw new UnavailableError('there is no majority');
      return registers.get(key);
    },
    write: async (write) => put(write),
    async compareAndSet(write, expected) {
      const present = registers.get(write.key);
      const version = present?.value === undefined ? undefined : present.version;
      if (version !== expected) throw new ConflictError('the key is elsewhere', { details: { version } });
      return put(write);
    },
    async list(prefix, { after, limit }) {
      const keys = [...registers.keys()].filter((key) => key.startsWith(prefix) && (after === undefined || key > after)).sort();
      return keys.slice(0, limit).flatMap((key) => registers.get(key) ?? []);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {},
  };
  return store;
}

async function openBoard() {
  const registers = createRegisters();
  const hub = await createBlackboard({
    name: 'one',
    store: createMemoryStore(),
    place: 'here',
    boards: { plans: { rules: [{ prefix: 'lock/', level: 'strong' }] } },
    strong: () => registers,
    allowVolatile: true,
  });
  return { hub, board: hub.board('plans'), registers, [Symbol.asyncDispose]: () => hub.close() };
}

describe('keys of level strong', () => {
  it('are read, written, compared and deleted in the strong store alone', async () => {
    await using world = await openBoard();
    const { hub, board } = world;
    const first = await board.compareAndSet('lock/a', undefined, { by: 'ada' }, { writer: 'ada' });
    expect(first).toMatchObject({
      key: 'lock/a',
      value: { by: 'ada' },
      kind: 'register',
      level: 'strong',
      version: 'v1',
      clock: {},
      writer: 'ada',
      conflicts: 0,
      tombstone: false,
    });
    expect(await board.get('lock/a')).toEqual(first);
    await expect(board.compareAndSet('lock/a', undefined, { by: 'bob' })).rejects.toMatchObject({ code: 'CONFLICT', details: { version: 'v1' } });
    expect(await board.compareAndSet('lock/a', 'v1', { by: 'bob' })).toMatchObject({ version: 'v2' });
    expect(await board.set('lock/a', 3)).toMatchObject({ version: 'v3' });
    expect(await board.delete('lock/a')).toBe(true);
    expect(await board.delete('lock/a')).toBe(false);
    expect(await board.get('lock/a')).toBeUndefined();
    expect(await board.conflicts('lock/a')).toEqual([]);
    expect((await hub.status('plans')).keys).toBe(0);
  });

  it('are listed among the others, in order and page by page', async () => {
    await using world = await openBoard();
    const { board } = world;
    for (const key of ['z', 'lock/b', 'a', 'lock/a', 'lock0']) await board.set(key, key);
    const keys = async (...[prefix, options]: Parameters<typeof board.list>) => (await board.list(prefix, options)).map(({ key }) => key);
    expect(await keys('')).toEqual(['a', 'lock/a', 'lock/b', 'lock0', 'z']);
    expect(await keys('', { limit: 2 })).toEqual(['a', 'lock/a']);
    expect(await keys('', { after: 'lock/a', limit: 2 })).toEqual(['lock/b', 'lock0']);
    expect(await keys('lock/')).toEqual(['lock/a', 'lock/b']);
    expect(await keys('z')).toEqual(['z']);
  });

  it('are watched, and have a history', async () => {
    await using world = await openBoard();
    const { board } = world;
    const changes = take(board.watch('lock/'), 1);
    await board.set('lock/a', 1);
    expect((await changes).map(({ key, after }) => [key, after?.value])).toEqual([['lock/a', 1]]);
    expect((await board.history('lock/a')).map(({ value }) => value)).toEqual([1]);
  });

  it('take no operation that merges, and never an answer that may be stale', async () => {
    await using world = await openBoard();
    const { board, registers } = world;
    const plain = await board.set('a', 1);
    await expect(board.increment('lock/a', 1)).rejects.toThrow(/level strong/);
    await expect(board.add('lock/a', 1)).rejects.toThrow(/level strong/);
    await expect(board.remove('lock/a', 1)).rejects.toThrow(/level strong/);
    await expect(board.merge([{ ...plain, key: 'lock/a' }])).rejects.toThrow(/level strong/);
    await expect(board.set('lock/a', 1, { ttlMs: 5 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    registers.isAway = true;
    await expect(board.get('lock/a')).rejects.toBeInstanceOf(UnavailableError);
    expect(await board.get('a')).toMatchObject({ value: 1 });
  });
});
