import { openNats } from '@meshwork/store-nats';
import { startEngine } from '@meshwork/test-engines/engine';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { ourSide } from './our-side.ts';
import type { Pairing, Side } from './side.ts';

const CALLERS = 64;
/** Values the bucket keeps of a key: with a thousand keys it holds as many as ours. */
const HISTORY = 20;

/** Ours beside the client's own key-value bucket and stream, on a server of their own. */
export const nats: Pairing = {
  name: 'NATS JetStream',
  bare: `@nats-io/kv put with a history of ${HISTORY}; @nats-io/jetstream publish`,
  putsUntilFull: 25_000,
  async open() {
    const engine = await startEngine('nats');
    if (engine === undefined) return undefined;
    const ours = ourSide(await openNats({ url: engine.url }), CALLERS);
    return { ours, bare: await openBare(engine.url), close: () => engine.stop() };
  },
};

async function openBare(url: string): Promise<Side> {
  const connection = await connect({ servers: new URL(url).host });
  const bucket = await new Kvm(connection).create('bare', { history: HISTORY });
  await (await jetstreamManager(connection)).streams.add({ name: 'log', subjects: ['log'] });
  const stream = jetstream(connection);
  return {
    put: (key, value) => bucket.put(key.replaceAll('/', '.'), value),
    append: (value) => stream.publish('log', value),
    callers: CALLERS,
    close: () => connection.close(),
  };
}
