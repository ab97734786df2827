import { createMemoryKeyValueStore } from '@meshwork/core';
import { expect, it } from 'vitest';

/** Milliseconds the work takes, the best of three, so that a pause of the machine does not count. */
async function fastest(work: () => Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    await work();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

it('reads beside many keys that will expire about as fast as beside none', async () => {
  const read = async (store: ReturnType<typeof createMemoryKeyValueStore>) => {
    for (let index = 0; index < 2_000; index++) await store.get('key');
  };
  const empty = createMemoryKeyValueStore();
  const full = createMemoryKeyValueStore();
  for (let index = 0; index < 20_000; index++) await full.put(`brief/${index}`, 1, { ttlMs: 3_600_000 });
  expect((await fastest(() => read(full))) / (await fastest(() => read(empty)))).toBeLessThan(20);
});

it('tells a watcher of a change about as fast after a long history as after a short one', async () => {
  const tell = async (store: ReturnType<typeof createMemoryKeyValueStore>) => {
    const changes = store.watch('mine/')[Symbol.asyncIterator]();
    const quiet = store.watch('nothing/')[Symbol.asyncIterator]();
    void quiet.next();
    for (let index = 0; index < 500; index++) {
      const next = changes.next();
      await store.put('mine/key', index);
      await next;
    }
    await changes.return?.();
  };
  const short = createMemoryKeyValueStore({ historySize: 50 });
  const long = createMemoryKeyValueStore({ historySize: 50_000 });
  for (let index = 0; index < 50_000; index++) await long.put('other', 1);
  const ratio = (await fastest(() => tell(long))) / (await fastest(() => tell(short)));
  await Promise.all([short.close(), long.close()]);
  expect(ratio).toBeLessThan(20);
});

it('forgets the times of keys that are renewed again and again', async () => {
  let now = 0;
  const store = createMemoryKeyValueStore({ clock: { now: () => now } });
  const renew = async () => {
    for (let index = 0; index < 20_000; index++) await store.put(`lease/${index % 10}`, index, { ttlMs: 1_000 + index });
  };
  await renew();
  now = 500_000;
  expect(await store.get('lease/0')).toBeUndefined();
  await renew();
  expect((await store.get('lease/9'))?.value).toBe(19_999);
  await store.close();
});
