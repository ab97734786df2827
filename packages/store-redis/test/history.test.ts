import { HistoryDroppedError } from '@meshwork/core';
import { openRedis } from '@meshwork/store-redis';
import { describeWithOwnEngine } from '@meshwork/test-engines';
import { take } from '@meshwork/testing';
import { createClient } from '@redis/client';
import { expect, it } from 'vitest';

describeWithOwnEngine('redis', (start) => {
  it('keeps the last 10,000 changes, and says so to a watcher that comes back too late', async () => {
    const { url } = await start('--appendonly', 'no');
    const store = await openRedis({ url });
    const last = 12_345;
    for (let count = 0; count < last; count += 823) await Promise.all(Array.from({ length: 823 }, (_, index) => store.put(`key/${index}`, count + index)));
    const changes = await take(store.watch('', { from: last - 10_000 }), 10_000);
    expect([changes[0]?.revision, changes.at(-1)?.revision]).toEqual([last - 9_999, last]);
    // Few of a great many are its.
    expect(await take(store.watch('key/822', { from: last - 10_000 }), 12)).toHaveLength(12);
    await expect(take(store.watch('', { from: 1 }), 1)).rejects.toThrow(HistoryDroppedError);
    await store.close();
  });

  it('keeps fewer changes of large values, so that the history does not fill the memory', { timeout: 60_000 }, async () => {
    const { url } = await start('--appendonly', 'no');
    const [store, operator] = await Promise.all([openRedis({ url }), createClient({ url }).connect()]);
    const value = new Uint8Array(1_000_000);
    for (let count = 0; count < 160; count++) await store.put('large', value);
    expect(await operator.memoryUsage('{meshwork}:changes', { SAMPLES: 0 })).toBeLessThan(170_000_000);
    expect(await operator.xLen('{meshwork}:changes')).toBe(127);
    expect(await take(store.watch('', { from: 160 - 127 }), 127)).toHaveLength(127);
    await expect(take(store.watch('', { from: 160 - 128 }), 1)).rejects.toThrow(HistoryDroppedError);
    operator.destroy();
    await store.close();
  });

  it('reads and lists large values a few at a time', { timeout: 60_000 }, async () => {
    const { url } = await start('--appendonly', 'no');
    const [store, operator] = await Promise.all([openRedis({ url }), createClient({ url }).connect()]);
    const value = new Uint8Array(1_000_000);
    for (let count = 0; count < 60; count++) await Promise.all([store.put(`large/${count}`, value), store.append('log', [value])]);
    const sentBefore = await sent(operator);
    for await (const record of store.read('log')) if (record.offset === 1) break;
    for await (const _ of store.list('large/')) break;
    for await (const _ of store.watch('large/', { from: 0 })) break;
    // The three pages, where one of all would be 60 MB.
    expect((await sent(operator)) - sentBefore).toBeLessThan(90_000_000);
    operator.destroy();
    await store.close();
  });
});

async function sent(operator: { info(section: string): Promise<string> }): Promise<number> {
  return Number(/total_net_output_bytes:(\d+)/.exec(await operator.info('stats'))?.[1]);
}
