import { openRedis } from '@meshwork/store-redis';
import { describeWithOwnEngine } from '@meshwork/test-engines';
import { describeRestarts } from '@meshwork/testing';

// With a sync before each acknowledgement: what is acknowledged is on the disk of the one server there is.
describeWithOwnEngine('redis', (start) => {
  describeRestarts('Redis', async () => {
    const { url, kill, restart } = await start('--appendfsync', 'always');
    return { store: await openRedis({ url }), kill, restart };
  });
});
