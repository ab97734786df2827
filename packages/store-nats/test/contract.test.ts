import { openNats } from '@meshwork/store-nats';
import { describeWithEngine } from '@meshwork/test-engines';
import { describeCrowd, describeInventory, describeJournal, describeKeyValueStore, describeLooking, type ManualClock } from '@meshwork/testing';
import { connect } from '@nats-io/transport-node';
import { afterAll } from 'vitest';

await describeWithEngine('nats', (url) => {
  const mark = `meshwork-test-${process.pid}-${Date.now()}`;
  let stores = 0;
  const fresh = () => `${mark}-${++stores}`;
  afterAll(async () => {
    const connection = await connect({ servers: new URL(url).host });
    for (let store = 1; store <= stores; store++)
      for (const stream of ['keys', 'journal', 'notes']) await connection.request(`$JS.API.STREAM.DELETE.${mark}-${store}_${stream}`, '', { timeout: 20_000 });
    await connection.close();
  });
  const open = (clock: ManualClock) => openNats({ url, name: fresh(), clock });
  describeKeyValueStore('NATS', open);
  describeJournal('NATS', open);
  describeInventory('NATS', open);
  describeLooking('NATS', async () => {
    const name = fresh();
    return (options) => openNats({ url, name, ...options });
  });
  describeCrowd('NATS', async () => {
    const name = fresh();
    return () => openNats({ url, name });
  });
});
