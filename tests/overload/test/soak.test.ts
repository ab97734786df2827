import { connectWebSocket } from '@meshwork/transports';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { callers } from '../src/callers.ts';
import type { Places } from '../src/hub-messages.ts';
import { startHub } from '../src/start-hub.ts';
import { memoryOf, settled } from '../src/withstand.ts';

const MB = 2 ** 20;
/** Connections that `fetch` keeps for its next request: it may be one for each of those who work at once. */
const KEPT = 8;
const isLong = process.env.MESHWORK_LONG_TESTS === '1';
const requestInit = { headers: { authorization: 'Bearer alice-key' } };
const modern = { pin: '2026-07-28' } as const;

const connectAndLeave = async (transport: unknown, mode: 'legacy' | typeof modern) => {
  const client = new Client({ name: 'c', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(transport as never);
  await client.callTool({ name: 'echo', arguments: { text: 'hi' } });
  if (client.transport instanceof StreamableHTTPClientTransport) await client.transport.terminateSession().catch(() => {});
  await client.close();
};
const streamable = ({ http }: Places) => new StreamableHTTPClientTransport(new URL(http), { requestInit });
const callOnce = async (face: keyof typeof callers, places: Places) => {
  const caller = await callers[face](places, 'alice-key');
  await caller.call('echo', { text: 'hi' });
  caller.close();
};

/** What is done over and over, how often it is done at length, and the part of it that is done every time. */
const soaks: readonly (readonly [what: string, work: (places: Places) => Promise<void>, times: number, share: number])[] = [
  ['connecting over HTTP, calling once and leaving', (places) => callOnce('http', places), 10_000, 0.02],
  ['connecting over WebSocket, calling once and leaving', (places) => callOnce('webSocket', places), 10_000, 0.02],
  ['connecting to the Unix socket, calling once and leaving', (places) => callOnce('socket', places), 10_000, 0.02],
  ['SDK clients of 2026-07-28 over HTTP that come and go', (places) => connectAndLeave(streamable(places), modern), 5_000, 0.01],
  ['SDK clients of a 2025 revision over HTTP that come and go', (places) => connectAndLeave(streamable(places), 'legacy'), 5_000, 0.01],
  [
    'SDK clients over WebSocket that come and go',
    ({ webSocket }) => connectAndLeave(connectWebSocket(webSocket, { key: 'alice-key', resume: false }), modern),
    5_000,
    0.01,
  ],
];

const inParallel = async (times: number, work: () => Promise<void>) => {
  let left = times;
  const worker = async () => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: 8 }, worker));
};

describe('a hub that has served for long', () => {
  it('uses no more than before', { timeout: 1_800_000 }, async () => {
    await using hub = await startHub({ options: { sessionIdleMs: 300, resumeMs: 300 } });
    const { places } = hub;
    const measure = async (what: string, times: number, work: () => Promise<void>) => {
      await inParallel(Math.min(200, times / 4), work);
      const before = await settled(hub, await hub.usage(), { withinMs: 1_000, handles: KEPT });
      await inParallel(times, work);
      const after = await settled(hub, before, { handles: KEPT });
      if (isLong)
        console.log(
          `${what}, ${times} times: memory ${(memoryOf(before) / MB).toFixed(1)} MB, after ${(memoryOf(after) / MB).toFixed(1)}; rss ${(before.rss / MB).toFixed(0)}, after ${(after.rss / MB).toFixed(0)}; handles ${before.handles}, after ${after.handles}`,
        );
      expect(memoryOf(after), what).toBeLessThan(memoryOf(before) * 1.1 + MB);
      expect(after.handles, what).toBeLessThanOrEqual(before.handles + KEPT);
    };

    const open = await Promise.all((['http', 'rest', 'webSocket', 'socket'] as const).map((face) => callers[face](places, 'alice-key')));
    await measure('plain calls over every face', isLong ? 25_000 : 500, async () => {
      await Promise.all(open.map((caller) => caller.call('echo', { text: 'hi' })));
    });
    for (const caller of open) caller.close();
    for (const [what, work, times, share] of soaks) await measure(what, isLong ? times : times * share, () => work(places));
  });
});
