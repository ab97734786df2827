import { openRedis } from '@meshwork/store-redis';
import { describeWithOwnEngine } from '@meshwork/test-engines';
import { collect, take } from '@meshwork/testing';
import { createClient } from '@redis/client';
import { expect, it } from 'vitest';

describeWithOwnEngine('redis', (start) => {
  it('works on a node of a cluster, with all keys of a store in one slot', { timeout: 20_000 }, async () => {
    const { url } = await start('--cluster-enabled', 'yes');
    const operator = await createClient({ url }).connect();
    await operator.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383']);
    await expect.poll(() => operator.sendCommand(['CLUSTER', 'INFO']), { timeout: 10_000 }).toContain('cluster_state:ok');

    const store = await openRedis({ url, prefix: 'hub' });
    await Promise.all([store.put('{other}', 1, { ttlMs: 60_000 }), store.put('}{', 2), store.append('{x}y', [1]), store.append('a{', [2, 3])]);
    await store.trim('a{', 2);
    expect((await collect(store.list(''))).map(({ key }) => key)).toEqual(['{other}', '}{']);
    expect(await take(store.watch('', { from: 0 }), 2)).toHaveLength(2);
    expect((await collect(store.read('a{'))).map(({ value }) => value)).toEqual([3]);

    const keys = (await operator.keys('*')).sort();
    expect(keys).toHaveLength(9);
    const slots = await Promise.all(keys.map((key) => operator.sendCommand(['CLUSTER', 'KEYSLOT', key])));
    expect(new Set(slots)).toEqual(new Set([await operator.sendCommand(['CLUSTER', 'KEYSLOT', 'hub'])]));
    operator.destroy();
    await store.close();
  });
});
