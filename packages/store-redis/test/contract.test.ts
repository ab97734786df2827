import { openRedis } from '@meshwork/store-redis';
import { describeWithEngine } from '@meshwork/test-engines';
import { describeCrowd, describeInventory, describeJournal, describeKeyValueStore, describeLooking, type ManualClock } from '@meshwork/testing';
import { createClient } from '@redis/client';
import { afterAll } from 'vitest';

await describeWithEngine('redis', (url) => {
  const mark = `meshwork-test-${process.pid}-${Date.now()}`;
  let stores = 0;
  const name = () => `${mark}-${++stores}`;
  afterAll(async () => {
    const client = await createClient({ url }).connect();
    for await (const keys of client.scanIterator({ MATCH: `{${mark}-*`, COUNT: 1_000 })) if (keys.length > 0) await client.unlink(keys);
    client.destroy();
  });
  const open = (clock: ManualClock) => openRedis({ url, prefix: name(), clock });
  describeKeyValueStore('Redis', open);
  describeJournal('Redis', open);
  describeInventory('Redis', open);
  describeLooking('Redis', async () => {
    const prefix = name();
    return (options) => openRedis({ url, prefix, ...options });
  });
  describeCrowd('Redis', async () => {
    const prefix = name();
    return () => openRedis({ url, prefix });
  });
});
