import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqlite } from '@meshwork/store-sqlite';
import { collect, manualClock } from '@meshwork/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshwork-sqlite-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Milliseconds the work takes, the best of three, so that a pause of the machine does not count. */
async function fastest(work: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    for (let time = 0; time < 20; time++) await work();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

describe('a store with many keys', () => {
  it('lists from wherever a prefix or a page starts as fast as from the first key', async () => {
    const store = await openSqlite({ path: join(folder, 'list.db'), synchronous: 'normal' });
    const count = 50_000;
    const name = (index: number) => `a/${String(index).padStart(6, '0')}`;
    await Promise.all(Array.from({ length: count }, (_, index) => store.put(name(index), index)));
    await store.put('b/1', 1);
    const list = (prefix: string, options: { after?: string } = {}) => fastest(() => collect(store.list(prefix, { limit: 5, ...options })));
    const fromTheFirst = await list('a/');
    expect((await list('b/')) / fromTheFirst, 'a late prefix').toBeLessThan(10);
    expect((await list('a/', { after: name(count - 10) })) / fromTheFirst, 'a late page').toBeLessThan(10);
    expect((await list('b/', { after: 'a/' })) / fromTheFirst, 'after what comes before the prefix').toBeLessThan(10);
    expect((await collect(store.list('b/', { after: 'a/' }))).map(({ key }) => key)).toEqual(['b/1']);
    expect(await collect(store.list('a/', { after: 'b' }))).toEqual([]);
    await store.close();
  });

  it('sweeps out any number of expired keys at one turn, and serves others meanwhile', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const path = join(folder, 'sweep.db');
      const clock = manualClock();
      const store = await openSqlite({ path, clock, synchronous: 'normal' });
      const keys = Array.from({ length: 10_000 }, (_, index) => `brief/${index}`);
      await Promise.all(keys.map((key) => store.put(key, 1, { ttlMs: 10 })));
      clock.advance(10);
      vi.advanceTimersByTime(1_000);
      // Each write goes into one transaction with a part of the sweep.
      for (let index = 0; index < 30; index++) await store.put('lasting', index);
      await store.close();
      const database = new DatabaseSync(path);
      expect(database.prepare('SELECT key FROM entry').all()).toEqual([{ key: 'lasting' }]);
      database.close();
    } finally {
      vi.useRealTimers();
    }
  });
});
