import { describeWithEngine } from '@meshwork/test-engines';
import { afterAll } from 'vitest';
import { describeConsumers } from './support/describe-consumers.ts';
import { describeCrash } from './support/describe-crash.ts';
import { describeDurable } from './support/describe-durable.ts';
import { describeRetention } from './support/describe-retention.ts';
import { describeSharedHubs } from './support/describe-shared-hubs.ts';
import { openStore } from './support/open-store.ts';
import { createServerStores } from './support/server-stores.ts';

await describeWithEngine('postgres', (url) => {
  const stores = createServerStores('postgres', url);
  afterAll(() => stores.drop());
  describeDurable('PostgreSQL', (clock) => openStore(stores.next(), clock));
  describeConsumers('PostgreSQL', (clock) => openStore(stores.next(), clock));
  describeRetention('PostgreSQL', (clock) => openStore(stores.next(), clock));
  describeSharedHubs('PostgreSQL', () => stores.next());
  describeCrash('PostgreSQL', async () => stores.next(), 5);
});
