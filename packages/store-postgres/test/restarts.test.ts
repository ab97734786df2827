import { openPostgres } from '@meshwork/store-postgres';
import { describeWithOwnEngine } from '@meshwork/test-engines';
import { describeRestarts } from '@meshwork/testing';

describeWithOwnEngine('postgres', (start) => {
  describeRestarts('PostgreSQL', async () => {
    const { url, kill, restart } = await start();
    return { store: await openPostgres({ url }), kill, restart };
  });
});
