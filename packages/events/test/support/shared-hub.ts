// Run as a child process, one of several hubs on a store: publishes as its source without end, consumes with the others, sends webhooks. Its parent kills it.
import { inProcessPrincipal } from '@meshwork/core';
import { createEvents } from '@meshwork/events';
import { openStore, type StorePlace } from './open-store.ts';

const [place = '', source = '', isPublisher = ''] = process.argv.slice(2);
const root = inProcessPrincipal('root', { roles: ['admin'] });
const store = await openStore(JSON.parse(place) as StorePlace);
const events = createEvents({ journal: store, store, webhooks: { fetch, leaseMs: 2_000 } });
const say = (message: object) => new Promise<void>((resolve, reject) => process.send?.(message, (error: Error | null) => (error ? reject(error) : resolve())));

await events.start();
if (isPublisher === 'publish') {
  await events.consume(
    { principal: root, name: 'shared', fromOffset: 1, ackWaitMs: 2_000, maxDeliveries: 100, filter: { types: ['crash.*'] } },
    async ({ event }) => {
      // One place for all hubs, so that the order between them is known.
      await store.append('test/delivered', [{ by: source, source: event.source, n: (event.data as { n: number }).n }]);
    },
  );
}
await say({ what: 'open' });
if (isPublisher === 'publish')
  for (let n = 1; ; n++) {
    await events.publish({ type: 'crash.test', source, data: { n } });
    await say({ what: 'published', n });
  }
