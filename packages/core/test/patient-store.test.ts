import { createMemoryStore, type Store, withPatience } from '@meshwork/core';
import { describe, expect, it } from 'vitest';

const PATIENCE_MS = 50;
const MARGIN_MS = 5_000;

/** A store that hangs from `hang` until `letGo`, and counts what it is asked. */
function hangingStore() {
  const inner = createMemoryStore();
  let asked = 0;
  let gate: Promise<void> = Promise.resolve();
  let open = () => {};
  const wait = async () => {
    asked += 1;
    await gate;
  };
  const store: Store = {
    ...inner,
    get: (key) => wait().then(() => inner.get(key)),
    put: (key, value, options) => wait().then(() => inner.put(key, value, options)),
    append: (stream, records, options) => wait().then(() => inner.append(stream, records, options)),
    async *list(prefix, options) {
      await wait();
      yield* inner.list(prefix, options);
    },
  };
  return {
    store: withPatience(store, { patienceMs: PATIENCE_MS }),
    asked: () => asked,
    hang() {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    letGo: () => open(),
  };
}

async function listed(store: Store): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

describe('a store with patience', () => {
  it('answers as the store does', async () => {
    const store = withPatience(createMemoryStore());
    const { revision } = await store.put('a', 1);
    expect(await store.get('a')).toMatchObject({ value: 1, revision });
    await expect(store.put('a', 2, { expected: 0 })).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await listed(store)).toEqual(['a']);
    expect(await store.append('s', [1, 2])).toEqual([1, 2]);
    expect(await store.head('s')).toBe(2);
  });

  it('fails a read that hangs, and says of a write that it may have happened', async () => {
    for (const [code, ask] of [
      ['UNAVAILABLE', (store: Store) => store.get('a')],
      ['UNAVAILABLE', listed],
      ['UNKNOWN_OUTCOME', (store: Store) => store.put('a', 1)],
      ['UNKNOWN_OUTCOME', (store: Store) => store.append('s', [1])],
    ] as const) {
      const { store, hang } = hangingStore();
      hang();
      const started = performance.now();
      await expect(ask(store)).rejects.toMatchObject({ code });
      expect(performance.now() - started).toBeLessThan(PATIENCE_MS + MARGIN_MS);
    }
  });

  it('sends next to nothing to a store that is silent, and refuses at once', async () => {
    const { store, hang, asked } = hangingStore();
    hang();
    await expect(store.get('a')).rejects.toThrow();
    const before = asked();
    const answers = await Promise.allSettled(Array.from({ length: 1_000 }, () => store.get('a')));
    expect(answers.every(({ status }) => status === 'rejected')).toBe(true);
    expect(asked() - before).toBe(1);
  });

  it('asks again as soon as the store has answered, be it late', async () => {
    const { store, hang, letGo } = hangingStore();
    hang();
    await expect(store.put('a', 1)).rejects.toMatchObject({ code: 'UNKNOWN_OUTCOME' });
    letGo();
    await expect.poll(() => store.get('a').catch(() => undefined), { interval: 5 }).toMatchObject({ value: 1 });
  });

  it('finds out by itself when the store is back, also when the answers were lost', async () => {
    const store = createMemoryStore();
    let isLost = true;
    const lossy = withPatience({ ...store, get: (key) => (isLost ? new Promise(() => {}) : store.get(key)) }, { patienceMs: PATIENCE_MS });
    await expect(lossy.get('a')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    isLost = false;
    await expect.poll(() => lossy.get('a').catch(() => 'refused'), { interval: 50 }).toBeUndefined();
  });
});
