import { openRedis } from '@meshwork/store-redis';
import { startEngine } from '@meshwork/test-engines/engine';
import { createClient } from '@redis/client';
import { ourSide } from './our-side.ts';
import type { Pairing, Side } from './side.ts';

const CALLERS = 64;
/** Changes kept, as by ours. */
const HISTORY = 10_000;

/** Batches as scripts beside the client's own pipeline, on a server of their own that syncs every write. */
export const redis: Pairing = {
  name: 'Redis',
  bare: '@redis/client, pipelined: MULTI of HSET, XADD to a history and PUBLISH; XADD',
  putsUntilFull: HISTORY,
  async open() {
    const engine = await startEngine('redis');
    if (engine === undefined) return undefined;
    const ours = ourSide(await openRedis({ url: engine.url }), CALLERS);
    return { ours, bare: await openBare(engine.url), close: () => engine.stop() };
  },
};

async function openBare(url: string): Promise<Side> {
  const client = await createClient({ url }).connect();
  const trim = { TRIM: { strategy: 'MAXLEN', strategyModifier: '~', threshold: HISTORY } } as const;
  return {
    put: (key, value) =>
      client
        .multi()
        .hSet('entries', key, Buffer.from(value))
        .xAdd('changes', '*', { key, value: Buffer.from(value) }, trim)
        .publish('changed', key)
        .exec(),
    append: (value) => client.xAdd('log', '*', { value: Buffer.from(value) }),
    callers: CALLERS,
    async close() {
      client.destroy();
    },
  };
}
