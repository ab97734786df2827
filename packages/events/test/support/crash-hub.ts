// Run as a child process: publishes without end, with two durable consumers, and says what happened. Its parent kills it.
import { inProcessPrincipal } from '@meshwork/core';
import { createEvents } from '@meshwork/events';
import { openStore, type StorePlace } from './open-store.ts';

const [place = '', mode = ''] = process.argv.slice(2);
const root = inProcessPrincipal('root', { roles: ['admin'] });
const store = await openStore(JSON.parse(place) as StorePlace);
const events = createEvents({ journal: store, store });

/** Resolves once the message is in the pipe: what it says survives this process. */
const say = (message: object) => new Promise<void>((resolve, reject) => process.send?.(message, (error: Error | null) => (error ? reject(error) : resolve())));

const last: Record<string, number> = {};
for await (const { value } of store.read('events/log')) {
  const { source, data } = value as unknown as { source: string; data: { n: number } };
  last[source] = data.n;
}
for (const name of ['one', 'two'])
  await events.consume({ principal: root, name, fromOffset: 1, ackWaitMs: 50, maxDeliveries: 100, filter: { types: ['crash.*'] } }, async ({ event }) => {
    await say({ what: 'delivered', name, source: event.source, n: (event.data as { n: number }).n });
  });
await say({ what: 'open' });

if (mode === 'publish') {
  const publisher = async (source: string) => {
    for (let n = (last[source] ?? 0) + 1; ; n++) {
      await events.publish({ type: 'crash.test', source, data: { n } });
      await say({ what: 'published', source, n });
    }
  };
  await Promise.all(['urn:a', 'urn:b', 'urn:c'].map(publisher));
}
