import { createMemoryStore, type Store, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { describe, expect, it, vi } from 'vitest';
import { type Blackboard, type BlackboardOptions, createBlackboard } from '../../src/index.ts';

/** A disk that outlives hubs, and can be told how to fail. */
function createDisk() {
  const store = createMemoryStore();
  let onAppend: ((stream: string, append: () => Promise<readonly number[]>) => Promise<readonly number[]>) | undefined;
  const disk: Store = {
    ...store,
    append: (stream, records, options) => {
      const append = () => store.append(stream, records, options);
      return onAppend?.(stream, append) ?? append();
    },
    close: async () => {},
  };
  return {
    disk,
    store,
    failWith(fail: typeof onAppend) {
      onAppend = fail;
    },
  };
}

const isLog = (stream: string) => stream.endsWith('/log');

function openHub(store: Store, options: Partial<BlackboardOptions> = {}): Promise<Blackboard> {
  return createBlackboard({ name: 'one', store, place: 'here', boards: { plans: {} }, allowVolatile: true, minLogBytes: 3_000, ...options });
}

describe('a write', () => {
  it('is neither acknowledged nor shown before it is on disk', async () => {
    const { disk, failWith } = createDisk();
    await using hub = await openHub(disk);
    const board = hub.board('plans');
    await board.set('a', 'before');
    let release = () => {};
    failWith(async (stream, append) => {
      if (!isLog(stream)) return append();
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return append();
    });
    const told: string[] = [];
    hub.events.on('entry-changed', ({ key }) => told.push(key));
    const written = board.set('a', 'after').then(() => told.push('acknowledged'));
    const read = board.get('a').then((entry) => told.push(`read ${entry?.value}`));
    const listed = board.list('').then(([entry]) => told.push(`listed ${entry?.value}`));
    try {
      await expect(board.get('a', { timeoutMs: 10 })).rejects.toBeInstanceOf(UnavailableError);
      expect(told).toEqual([]);
    } finally {
      failWith(undefined);
      release();
    }
    await Promise.all([written, read, listed]);
    expect(told.sort()).toEqual(['a', 'acknowledged', 'listed after', 'read after']);
  });

  it('goes to disk together with those of the same turn', async () => {
    const { disk, store } = createDisk();
    await using hub = await openHub(disk);
    const board = hub.board('plans');
    const stream = 'blackboard/one/plans/log';
    const before = await store.head(stream);
    await Promise.all(Array.from({ length: 100 }, (_, at) => board.set(`key/${at}`, at)));
    expect((await store.head(stream)) - before).toBe(1);
  });

  it.for([true, false])('of which nobody knows is settled by looking, when it happened: %s', async (happened) => {
    const { disk, failWith } = createDisk();
    const onError = vi.fn();
    const hub = await openHub(disk, { onError });
    const board = hub.board('plans');
    await board.set('a', 1);
    failWith(async (stream, append) => {
      if (!isLog(stream)) return append();
      failWith(undefined);
      if (happened) await append();
      throw new UnavailableError(`${stream} fails`);
    });
    await expect(board.set('a', 2)).rejects.toBeInstanceOf(UnknownOutcomeError);
    expect(onError).toHaveBeenCalledTimes(1);
    await expect(board.set('b', 1)).rejects.toBeInstanceOf(UnavailableError);
    // Readers wait until it is known.
    expect(await board.get('a')).toMatchObject({ value: 2 });
    expect(await board.set('a', 3)).toMatchObject({ value: 3 });
    await hub.close();
    await using again = await openHub(disk);
    expect((await again.board('plans').list('')).map(({ key, value }) => [key, value])).toEqual([['a', 3]]);
  });
});

describe('a write that can be read back after a failure', () => {
  it('is shown only once something behind it is acknowledged, for it may still be lost', async () => {
    const { disk, failWith } = createDisk();
    await using hub = await openHub(disk);
    const board = hub.board('plans');
    let failures = 0;
    failWith(async (stream, append) => {
      if (!isLog(stream)) return append();
      if (failures++ === 0) await append();
      throw new UnavailableError('the disk is away');
    });
    await expect(board.set('a', 1)).rejects.toBeInstanceOf(UnknownOutcomeError);
    await vi.waitFor(() => expect(failures).toBeGreaterThan(1));
    await expect(board.get('a', { timeoutMs: 10 })).rejects.toBeInstanceOf(UnavailableError);
    failWith(undefined);
    expect(await board.get('a')).toMatchObject({ value: 1 });
  });
});

describe('a restart', () => {
  it('finds everything, whatever part of a snapshot was written', async () => {
    for (let survived = 0; survived < 20; survived++) {
      const { disk, failWith } = createDisk();
      const hub = await openHub(disk);
      let snapshots = 0;
      failWith(async (stream, append) => {
        if (stream.endsWith('/snapshot') && snapshots++ >= survived) throw new UnavailableError('no more');
        return append();
      });
      for (let at = 0; at < 40; at++) await hub.board('plans').set(`key/${at % 25}`, { at, text: 'x'.repeat(40_000) });
      await hub.board('plans').delete('key/3');
      const before = await hub.status('plans');
      await hub.close();
      failWith(undefined);
      await using again = await openHub(disk);
      const after = await again.status('plans');
      expect(after).toMatchObject({ digest: before.digest, vector: before.vector, replica: before.replica });
      expect(await again.board('plans').set('new', 1)).toMatchObject({ clock: { [before.replica]: (before.vector[before.replica] ?? 0) + 1 } });
    }
  });

  it('leaves on disk no more than what is there, however often it was overwritten', async () => {
    const { disk, store } = createDisk();
    const bytesAfter = async (rounds: number) => {
      await using hub = await openHub(disk);
      for (let round = 0; round < rounds; round++) {
        await Promise.all(Array.from({ length: 20 }, (_, at) => hub.board('plans').set(`key/${at}`, { round })));
      }
      await hub.close();
      let bytes = 0;
      for (const part of ['log', 'snapshot']) for await (const { value } of store.read(`blackboard/one/plans/${part}`)) bytes += (value as Uint8Array).length;
      return bytes;
    };
    const once = await bytesAfter(20);
    expect(await bytesAfter(400)).toBeLessThan(once * 2 + 12_000);
  });
});

describe('a store that somebody else has opened', () => {
  it('is closed to who had it before', async () => {
    const { disk } = createDisk();
    await using old = await openHub(disk);
    await old.board('plans').set('a', 1);
    await using fresh = await openHub(disk);
    await fresh.board('plans').set('a', 2);
    await expect(old.board('plans').set('a', 3)).rejects.toThrow(/another process has opened/);
    await expect(old.board('plans').get('a')).rejects.toBeInstanceOf(UnavailableError);
    expect(await fresh.board('plans').get('a')).toMatchObject({ value: 2 });
  });

  it('makes a new replica of a copy at another place', async () => {
    const { disk } = createDisk();
    const first = await openHub(disk);
    const { replica } = await first.board('plans').set('a', 1);
    await first.close();
    await using second = await openHub(disk, { place: 'there' });
    expect(await second.board('plans').get('a')).toMatchObject({ value: 1, replica });
    expect((await second.board('plans').set('a', 2)).replica).not.toBe(replica);
    await second.close();
    await using third = await openHub(disk, { place: 'there' });
    expect(await third.board('plans').get('a')).toMatchObject({ value: 2 });
    expect((await third.status('plans')).replica).toBe((await second.status('plans')).replica);
  });
});
