import { describe, expect, it } from 'vitest';
import type { Stalls } from '../src/measure-stalls.ts';
import { runProgram } from '../src/run-program.ts';
import { watchLoop } from '../src/stalls/loop-watch.ts';

describe('a hub that everything hostile is sent to', () => {
  // A turn of the loop is measured in processor time: a machine that stands still is not the hub's doing.
  it('is never kept from the others for 50 ms, and answers each for what it is', { timeout: 240_000, retry: 1 }, async () => {
    const { hostile, harmless } = JSON.parse(await runProgram('measure-stalls.ts')) as Stalls;
    console.log(
      `longest turn over ${hostile.sent} hostile requests ${hostile.processorMs.toFixed(1)} ms of processor (${hostile.wallMs.toFixed(0)} ms passed); ` +
        `over as many harmless ones ${harmless.processorMs.toFixed(1)} (${harmless.wallMs.toFixed(0)})`,
    );
    expect(hostile.sent).toBeGreaterThan(2_500);
    // Where as many harmless requests take longer than that, it is the machine's hour and not the requests.
    expect(hostile.processorMs).toBeLessThan(Math.max(50, 1.5 * harmless.processorMs));
    const { 401: unknown = 0, 400: malformed = 0, ...others } = hostile.answers;
    // Each credential is shown three times.
    expect(unknown).toBeGreaterThan(2_000);
    expect(malformed).toBeGreaterThan(30);
    expect(Object.keys(others).filter((answer) => answer.startsWith('5') || answer === 'cut')).toEqual([]);
    const { 200: fine = 0, 'frame result': framed = 0 } = harmless.answers;
    expect((fine + framed) / harmless.sent).toBeGreaterThan(0.9);
  });
});

describe('watching a loop', () => {
  it('tells work that keeps it busy from time in which the machine did nothing for it', async () => {
    const watch = watchLoop();
    const nextTurns = () => new Promise((resolve) => setTimeout(resolve, 20));
    await nextTurns();
    watch.take();
    const until = process.threadCpuUsage().user + 60_000;
    while (process.threadCpuUsage().user < until);
    await nextTurns();
    const busy = watch.take();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60);
    await nextTurns();
    const asleep = watch.take();
    watch.stop();
    expect(busy.processorMs).toBeGreaterThanOrEqual(60);
    expect(asleep.wallMs).toBeGreaterThanOrEqual(59);
    expect(asleep.processorMs).toBeLessThan(30);
  });
});
