import { createMemoryJournal, createMemoryKeyValueStore, createMemoryStore, HistoryDroppedError, withPatience } from '@meshwork/core';
import { describeInventory, describeJournal, describeKeyValueStore, take } from '@meshwork/testing';
import { expect, it } from 'vitest';

describeKeyValueStore('memory', (clock) => createMemoryKeyValueStore({ clock }));
describeJournal('memory', (clock) => createMemoryJournal({ clock }));
// What stands before a driver keeps its contract.
describeKeyValueStore('memory, with patience', (clock) => withPatience(createMemoryStore({ clock })));
describeInventory('memory, with patience', (clock) => withPatience(createMemoryStore({ clock })));
describeJournal('memory, with patience', (clock) => withPatience(createMemoryStore({ clock })));

it('offers both ports in one', async () => {
  const store = createMemoryStore();
  await store.put('key', 1);
  await store.append('stream', [1]);
  expect([(await store.get('key'))?.value, await store.head('stream')]).toEqual([1, 1]);
  await store.close();
});

it('keeps what a store says of its durability when patience is put before it', async () => {
  const store = createMemoryStore();
  for (const durability of ['durable', 'may-lose-acknowledged'] as const) expect(withPatience({ ...store, durability }).durability).toBe(durability);
  await store.close();
});

it('tells a watcher that comes back too late', async () => {
  const store = createMemoryKeyValueStore({ historySize: 10 });
  for (let index = 0; index < 50; index++) await store.put('key', index);
  await expect(take(store.watch('', { from: 1 }), 1)).rejects.toThrow(HistoryDroppedError);
  await store.close();
});
