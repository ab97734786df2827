import { describeWithEngine } from '@meshwork/test-engines';
import { afterAll } from 'vitest';
import { describeConsumers } from './support/describe-consumers.ts';
import { describeCrash } from './support/describe-crash.ts';
import { describeDurable } from './support/describe-durable.ts';
import { describeRetention } from './support/describe-retention.ts';
import { describeSharedHubs } from './support/describe-shared-hubs.ts';
import { openStore } from './support/open-store.ts';
import { createServerStores } from './support/server-stores.ts';

await describeWithEngine('redis', (url) => {
  const stores = createServerStores('redis', url);
  afterAll(() => stores.drop());
  describeDurable('Redis', (clock) => openStore(stores.next(), clock));
  describeConsumers('Redis', (clock) => openStore(stores.next(), clock));
  describeRetention('Redis', (clock) => openStore(stores.next(), clock));
  describeSharedHubs('Redis', () => stores.next());
  describeCrash('Redis', async () => stores.next(), 5);
});
