import { describe, expect, it } from 'vitest';
import { many } from '../src/attacks/attack.ts';
import { callers, type FaceName } from '../src/callers.ts';
import { type Inlet, randomNumbers } from '../src/random-streams.ts';
import { createPiper } from '../src/send-lines.ts';
import { createSender, type Sent } from '../src/send-stream.ts';
import { type HubProcess, startHub } from '../src/start-hub.ts';
import { trialCertificates } from '../src/trial-certificates.ts';
import { memoryOf, settled } from '../src/withstand.ts';

const MB = 2 ** 20;
const isLong = process.env.MESHWORK_LONG_TESTS === '1';
const STREAMS = isLong ? 1_000_000 : 20_000;
const timeout = isLong ? 3_600_000 : 240_000;
const seed = Number(process.env.MESHWORK_SEED ?? Math.floor(Math.random() * 2 ** 31));
const inlets: readonly (readonly [Exclude<Inlet, 'stdio'>, FaceName])[] = [
  ['http', 'http'],
  ['rest', 'rest'],
  ['tls', 'http'],
  ['webSocket', 'webSocket'],
  ['socket', 'socket'],
];

async function expectAnswer(hub: HubProcess, face: FaceName): Promise<void> {
  const caller = await callers[face](hub.places, 'bob-key');
  expect(await caller.call('echo', { text: 'still there' })).toContain('still there');
  caller.close();
}

/** What a hub holds once it is warm must be what it holds after all the rest. */
async function expectFlat(hub: HubProcess, face: FaceName, sent: Sent, send: (size: number) => Promise<void>): Promise<void> {
  const started = performance.now();
  await send(STREAMS / 10);
  const before = await hub.usage();
  await send(STREAMS - STREAMS / 10);
  const seconds = (performance.now() - started) / 1_000;
  expect(sent.streams).toBe(STREAMS);
  await expectAnswer(hub, face);
  const after = await settled(hub, before);
  const memory = [memoryOf(before), memoryOf(after), before.rss, after.rss].map((bytes) => (bytes / MB).toFixed(1));
  if (isLong)
    console.log(
      `${JSON.stringify(sent)} in ${seconds.toFixed(0)} s, seed ${seed}: memory after a tenth ${memory[0]} MB, at the end ${memory[1]}; rss ${memory[2]}, ${memory[3]}; handles ${before.handles}, ${after.handles}`,
    );
  expect(memoryOf(after), `memory (seed ${seed})`).toBeLessThan(memoryOf(before) * 1.1 + 4 * MB);
  expect(after.handles, `handles (seed ${seed})`).toBeLessThanOrEqual(before.handles);
}

describe(`${STREAMS.toLocaleString('en')} streams of random bytes (seed ${seed})`, () => {
  it.each(inlets)('break nothing, and leave nothing behind: %s', { timeout }, async (inlet, face) => {
    const options = { records: true, ...(inlet === 'tls' && { tls: await trialCertificates() }) };
    await using hub = await startHub({ options });
    const { sent, send } = createSender(hub.places, inlet, randomNumbers(seed));
    await expectAnswer(hub, face);
    await expectFlat(hub, face, sent, (size) => many(size, send));
    expect(sent.answered, 'streams that were answered').toBeGreaterThan(STREAMS / 20);
    if (inlet === 'tls') expect(sent.encrypted, 'streams inside TLS').toBeGreaterThan(STREAMS / 20);
  });

  it('break nothing, and leave nothing behind: stdio', { timeout }, async () => {
    await using hub = await startHub({ options: { records: true }, stdio: true });
    const { sent, send } = createPiper(hub, randomNumbers(seed));
    await expectFlat(hub, 'http', sent, send);
    expect(sent.answered, 'streams that were answered').toBeGreaterThan(STREAMS / 20);
  });
});
