import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ConflictError, type Store } from '@meshwork/core';
import { describe, expect, it } from 'vitest';

const WRITERS = 8;
const TIMES = 1_000;
const KEYS = 100_000;
/** All values together are over 100 MB. */
const VALUE_CHARACTERS = 1_000;
const MOST_HELD_BYTES = 40_000_000;

/** What a driver promises when much comes together. `open` opens the same store anew each time within one test, as another machine would. */
export function describeCrowd(name: string, fresh: () => Promise<() => Promise<Store>>, { machines = 2 }: { readonly machines?: number } = {}): void {
  describe(`the ${name} store in a crowd`, () => {
    it(`counts exactly when ${WRITERS} writers count one key up ${TIMES} times each`, { timeout: 300_000 }, async () => {
      const open = await fresh();
      const stores = await Promise.all(Array.from({ length: machines }, open));
      const writer = async (_: unknown, index: number) => {
        const store = stores[index % machines] as Store;
        for (let done = 0; done < TIMES; ) {
          const { value = 0, revision = 0 } = (await store.get('count')) ?? {};
          try {
            await store.put('count', Number(value) + 1, { expected: revision });
            done += 1;
          } catch (error) {
            if (!(error instanceof ConflictError)) throw error;
          }
        }
      };
      await Promise.all(Array.from({ length: WRITERS }, writer));
      expect((await stores[0]?.get('count'))?.value).toBe(WRITERS * TIMES);
      await Promise.all(stores.map((store) => store.close()));
    });

    it(`lists ${KEYS.toLocaleString('en')} keys in order, and never holds many of them`, { timeout: 600_000 }, async () => {
      const open = await fresh();
      const store = await open();
      const value = 'x'.repeat(VALUE_CHARACTERS);
      for (let start = 0; start < KEYS; start += 1_000)
        await Promise.all(Array.from({ length: 1_000 }, (_, index) => store.put(`many/${String(start + index).padStart(6, '0')}`, value)));
      let count = 0;
      let last = '';
      let highest = 0;
      const before = await usedMemory();
      for await (const { key } of store.list('many/')) {
        if (key <= last) throw new Error(`${key} comes after ${last}`);
        last = key;
        if (++count % 10_000 === 0) highest = Math.max(highest, (await usedMemory()) - before);
      }
      expect(count).toBe(KEYS);
      expect(highest).toBeLessThan(MOST_HELD_BYTES);
      await store.close();
    });
  });
}

/** Bytes in use once all garbage is gone. What objects hold outside the heap is freed behind them, turns later: so the least of several readings. */
async function usedMemory(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let least = Number.POSITIVE_INFINITY;
  for (let reading = 0; reading < 5; reading++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    least = Math.min(least, heapUsed + arrayBuffers);
  }
  return least;
}
