import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { type Door, many } from '../src/attacks/attack.ts';
import { callers, type FaceName } from '../src/callers.ts';
import { randomNumbers, randomStream, sendStream } from '../src/random-streams.ts';
import { callText } from '../src/requests.ts';
import { type HubProcess, startHub } from '../src/start-hub.ts';
import { memoryOf, settled } from '../src/withstand.ts';

const MB = 2 ** 20;
const isLong = process.env.MESHWORK_LONG_TESTS === '1';
const STREAMS = isLong ? 1_000_000 : 20_000;
const seed = Number(process.env.MESHWORK_SEED ?? Math.floor(Math.random() * 2 ** 31));
const doors: readonly (readonly [Door, FaceName])[] = [
  ['http', 'http'],
  ['webSocket', 'webSocket'],
  ['socket', 'socket'],
];

async function expectAnswer(hub: HubProcess, face: FaceName): Promise<void> {
  const caller = await callers[face](hub.places, 'bob-key');
  await caller.call('echo', { text: 'still there' });
  caller.close();
}

/** What a hub holds once it is warm must be what it holds after all the rest. */
async function expectFlat(hub: HubProcess, face: FaceName, send: (size: number) => Promise<void>): Promise<void> {
  await send(STREAMS / 10);
  const before = await hub.usage();
  await send(STREAMS - STREAMS / 10);
  await expectAnswer(hub, face);
  const after = await settled(hub, before);
  expect(memoryOf(after), `memory (seed ${seed})`).toBeLessThan(memoryOf(before) * 1.1 + 4 * MB);
  expect(after.handles, `handles (seed ${seed})`).toBeLessThanOrEqual(before.handles);
}

describe(`${STREAMS.toLocaleString('en')} streams of random bytes (seed ${seed})`, () => {
  it.each(doors)('break nothing, and leave nothing behind: %s', { timeout: isLong ? 3_600_000 : 240_000 }, async (door, face) => {
    await using hub = await startHub({ options: { records: true } });
    const random = randomNumbers(seed);
    await expectAnswer(hub, face);
    await expectFlat(hub, face, (size) => many(size, () => sendStream(hub.places, door, randomStream(door, random))));
  });

  it('break nothing, and leave nothing behind: stdio', { timeout: isLong ? 3_600_000 : 240_000 }, async () => {
    await using hub = await startHub({ options: { records: true }, stdio: true });
    const { stdin, stdout } = hub.child;
    if (stdin === null || stdout === null) throw new Error('the hub has no standard input and output');
    const random = randomNumbers(seed);
    const lines = createInterface({ input: stdout });
    let asked = 0;
    /** All that was sent is read once a question behind it is answered. */
    const answered = async () => {
      const id = `last-${asked++}`;
      const heard = new Promise<void>((resolve) => {
        const look = (line: string) => {
          if (!line.includes(id)) return;
          lines.off('line', look);
          resolve();
        };
        lines.on('line', look);
      });
      stdin.write(`\n${callText('echo', { text: 'still there' }, { id })}\n`);
      await heard;
    };
    await answered();
    await expectFlat(hub, 'http', async (size) => {
      for (let at = 0; at < size; at++) {
        stdin.write(Buffer.concat([randomStream('socket', random), Buffer.from('\n')]));
        if (at % 500 === 499) await answered();
      }
      await answered();
    });
  });
});
