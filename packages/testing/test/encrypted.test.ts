import { createMemoryStore, type KeyValueChange, type Store } from '@meshwork/core';
import { createKeyRing, type EncryptionKey, type EncryptionKeys, encryptStore, rewrapKeys } from '@meshwork/core/encrypted';
import { collect, describeCrowd, describeInventory, describeJournal, describeKeyValueStore, manualClock } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';

const key = (id: string, byte = id.charCodeAt(0)): EncryptionKey => ({ id, secret: new Uint8Array(32).fill(byte) });
const keys = createKeyRing([key('a')]);

/** A service that takes its time, and is asked anew for every write. */
const slowKeys: EncryptionKeys = {
  current: () => new Promise((resolve) => setTimeout(resolve, Math.random() * 2, key('a'))),
  find: async (id) => (id === 'a' ? key('a') : undefined),
};

describeKeyValueStore('encrypted', (clock) => encryptStore(createMemoryStore({ clock }), { keys, valuesPerKey: 7 }));
describeKeyValueStore('encrypted with a slow service of keys', (clock) => encryptStore(createMemoryStore({ clock }), { keys: slowKeys }));
describeJournal('encrypted', (clock) => encryptStore(createMemoryStore({ clock }), { keys }));
describeInventory('encrypted', (clock) => encryptStore(createMemoryStore({ clock }), { keys }));
describeCrowd('encrypted', async () => {
  const store = createMemoryStore();
  return async () => encryptStore({ ...store, close: async () => {} }, { keys });
});

describe('an encrypted store', () => {
  const world = () => {
    const raw = createMemoryStore();
    return { raw, store: encryptStore(raw, { keys }) };
  };
  const rawBytes = async (raw: Store, name: string) => (await raw.get(name))?.value as Uint8Array;

  it('keeps nothing readable, and the same value never in the same bytes', async () => {
    const { raw, store } = world();
    await store.put('one', 'the secret plan');
    await store.append('log', ['the secret plan', 'the secret plan']);
    const kept = [await rawBytes(raw, 'one'), ...(await collect(raw.read('log'))).map(({ value }) => value as Uint8Array)];
    for (const bytes of kept) expect(Buffer.from(bytes).toString('latin1')).not.toContain('secret');
    expect(new Set(kept.map((bytes) => Buffer.from(bytes).toString('hex'))).size).toBe(3);
  });

  it('refuses a value that was changed in any byte, cut or made longer', async () => {
    const { raw, store } = world();
    await store.put('one', { role: 'reader' });
    const bytes = await rawBytes(raw, 'one');
    const spoiled = [...bytes.keys()].map((at) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)));
    for (const value of [...spoiled, bytes.slice(0, -1), new Uint8Array([...bytes, 0]), bytes.slice(0, 20), new Uint8Array(), 'plain', { role: 'admin' }]) {
      await raw.put('one', value);
      await expect(store.get('one')).rejects.toMatchObject({ code: expect.stringMatching(/^(DECRYPTION_FAILED|ENCRYPTION_KEY_MISSING)$/) });
      await expect(collect(store.list(''))).rejects.toThrow();
    }
  });

  it("refuses a value in another key's place, and one of a stream in a key's", async () => {
    const { raw, store } = world();
    await store.put('agent/admin', 'all');
    await store.append('agent/guest', ['all']);
    await raw.put('agent/guest', await rawBytes(raw, 'agent/admin'));
    await expect(store.get('agent/guest')).rejects.toMatchObject({ code: 'DECRYPTION_FAILED' });
    const [record] = await collect(raw.read('agent/guest'));
    await raw.put('agent/guest', record?.value as Uint8Array);
    await expect(store.get('agent/guest')).rejects.toMatchObject({ code: 'DECRYPTION_FAILED' });
    await raw.append('agent/other', [record?.value as Uint8Array]);
    await expect(collect(store.read('agent/other'))).rejects.toMatchObject({ code: 'DECRYPTION_FAILED' });
  });

  it('does not open with another secret, nor without the key', async () => {
    const { raw, store } = world();
    await store.put('one', 1);
    await expect(encryptStore(raw, { keys: createKeyRing([key('a', 9)]) }).get('one')).rejects.toMatchObject({ code: 'DECRYPTION_FAILED' });
    await expect(encryptStore(raw, { keys: createKeyRing([key('b')]) }).get('one')).rejects.toMatchObject({ code: 'ENCRYPTION_KEY_MISSING' });
  });

  it('reads with old keys, writes with the new one, and needs the old no more once rewrapped', async () => {
    const clock = manualClock();
    const raw = createMemoryStore({ clock });
    await encryptStore(raw, { keys }).put('old', 1);
    await encryptStore(raw, { keys }).put('brief', 2, { ttlMs: 1_000 });
    const both = createKeyRing([key('b'), key('a')]);
    const store = encryptStore(raw, { keys: both });
    await store.put('new', 3);
    expect((await collect(store.list(''))).map(({ value }) => value)).toEqual([2, 3, 1]);
    clock.advance(400);
    expect(await rewrapKeys(raw, { keys: both })).toEqual({ rewrapped: 2, current: 1 });
    expect(await rewrapKeys(raw, { keys: both })).toEqual({ rewrapped: 0, current: 3 });
    const onlyNew = encryptStore(raw, { keys: createKeyRing([key('b')]) });
    expect((await collect(onlyNew.list(''))).map(({ value, ttlMs }) => [value, ttlMs])).toEqual([
      [2, 600],
      [3, undefined],
      [1, undefined],
    ]);
  });

  it('tells a watcher what was written after it began, in clear, while keys come slowly', async () => {
    const raw = createMemoryStore();
    const store = encryptStore(raw, { keys: slowKeys });
    const before = store.put('k', 'before');
    const watcher = store.watch('')[Symbol.asyncIterator]();
    const first = watcher.next();
    await Promise.all([before, store.put('k', 'after'), store.delete('k')]);
    expect(((await first).value as KeyValueChange & { value: unknown }).value).toBe('after');
    expect((await watcher.next()).value).toMatchObject({ type: 'delete', key: 'k' });
    await store.close();
  });

  it.each([[[]], [[{ id: 'a', secret: new Uint8Array(16) }]], [[{ id: 'a b', secret: new Uint8Array(32) }]], [[key('a'), key('a', 3)]]])(
    'takes no ring of keys such as %j',
    (ring) => {
      expect(() => createKeyRing(ring)).toThrow(TypeError);
    },
  );
});
