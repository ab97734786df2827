import { createMemoryJournal, createMemoryKeyValueStore, createMemoryStore, HistoryDroppedError } from '@meshwork/core';
import { describeJournal, describeKeyValueStore, take } from '@meshwork/testing';
import { expect, it } from 'vitest';

describeKeyValueStore('memory', (clock) => createMemoryKeyValueStore({ clock }));
describeJournal('memory', (clock) => createMemoryJournal({ clock }));

it('offers both ports in one', async () => {
  const store = createMemoryStore();
  await store.put('key', 1);
  await store.append('stream', [1]);
  expect([(await store.get('key'))?.value, await store.head('stream')]).toEqual([1, 1]);
  await store.close();
});

it('tells a watcher that comes back too late', async () => {
  const store = createMemoryKeyValueStore({ historySize: 10 });
  for (let index = 0; index < 50; index++) await store.put('key', index);
  await expect(take(store.watch('', { from: 1 }), 1)).rejects.toThrow(HistoryDroppedError);
  await store.close();
});
