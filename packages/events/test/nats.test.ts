import { describeWithEngine } from '@meshwork/test-engines';
import { afterAll } from 'vitest';
import { describeConsumers } from './support/describe-consumers.ts';
import { describeCrash } from './support/describe-crash.ts';
import { describeDurable } from './support/describe-durable.ts';
import { describeRetention } from './support/describe-retention.ts';
import { describeSharedHubs } from './support/describe-shared-hubs.ts';
import { openStore } from './support/open-store.ts';
import { createServerStores } from './support/server-stores.ts';

await describeWithEngine('nats', (url) => {
  const stores = createServerStores('nats', url);
  afterAll(() => stores.drop());
  describeDurable('NATS', (clock) => openStore(stores.next(), clock));
  describeConsumers('NATS', (clock) => openStore(stores.next(), clock));
  describeRetention('NATS', (clock) => openStore(stores.next(), clock));
  describeSharedHubs('NATS', () => stores.next());
  describeCrash('NATS', async () => stores.next(), 5);
});
