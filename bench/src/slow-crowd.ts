// What slow clients cost the others: node --conditions=@meshwork/source bench/src/slow-crowd.ts [size] [rounds] [seconds] [callsPerSecond] [turns]
import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, startContender } from './contender.ts';
import type { CrowdOrder, CrowdReport } from './crowd/crowd-process.ts';
import { median } from './median.ts';

interface SlowCrowdSizes {
  /** Connections that slow clients hold. */
  readonly size: number;
  readonly rounds: number;
  readonly durationMs: number;
  /** Calls a second of the others, to each hub. */
  readonly rate: number;
  /** Milliseconds in which the crowd comes: those who are cut later are then not all cut at once. */
  readonly withinMs: number;
  /** Calls one hub after the other: on a quiet machine the crowded one then cannot slow down its twin, on a busy one the noise falls on one of them. */
  readonly inTurns?: boolean;
  /** Prints each round. */
  readonly show?: boolean;
}

interface SlowCrowdFigures {
  readonly size: number;
  /** Of the others' latencies with the crowd to those without, the middle of the rounds. */
  readonly p99: number;
  readonly p50: number;
  /** The others' p99 without and with the crowd, in milliseconds. */
  readonly withoutMs: number;
  readonly withMs: number;
  /** Processor time of a call, crowd's included, to that of one without. */
  readonly processor: number;
  /** Connections held when the last round ended, by kind, and how many had been cut and had come back. */
  readonly crowd: CrowdReport;
}

/**
 * Two equal hubs are called at the same time while a crowd holds connections to one of them; half-way it moves to the other. So the crowd's own
 * work, and what else the machine does, falls on both, and so does what makes one process quicker than its twin. Calls come at a rate that
 * leaves the processors time, or the crowded hub could slow down its twin.
 */
export async function measureSlowCrowd({ size, rounds, durationMs, rate, withinMs, inTurns = false, show = false }: SlowCrowdSizes): Promise<SlowCrowdFigures> {
  const hubs: Contender[] = [];
  const options = { connections: 16, durationMs, rate };
  const ratios: { p99: number; p50: number; processor: number; withMs: number; withoutMs: number }[] = [];
  let crowd: CrowdReport | undefined;
  try {
    for (const name of ['one', 'other']) hubs.push(await startContender(name, 'meshwork.ts', ['1', String(size * 2)]));
    const [one, other] = hubs as [Contender, Contender];
    for (const hub of hubs) await hub.measure({ connections: 32, durationMs });
    for (const [crowded, quiet] of [
      [one, other],
      [other, one],
    ] as const) {
      await using slow = await startCrowd({ url: crowded.url, key: crowded.key ?? '', size, withinMs });
      await sleep(500);
      for (let round = 0; round < Math.ceil(rounds / 2); round++) {
        const first = quiet.measure(options);
        if (inTurns) await first;
        const [before, during] = await Promise.all([first, crowded.measure(options)]);
        if (show)
          console.log(
            `p99 ${before.p99.toFixed(1)} ms without, ${during.p99.toFixed(1)} ms with; processor ${before.cpuMicros.toFixed(0)} and ${during.cpuMicros.toFixed(0)} µs a call`,
          );
        ratios.push({
          p99: during.p99 / before.p99,
          p50: during.p50 / before.p50,
          processor: during.cpuMicros / before.cpuMicros,
          withMs: during.p99,
          withoutMs: before.p99,
        });
      }
      crowd = await slow.report();
    }
  } finally {
    for (const hub of hubs) await hub.stop();
  }
  if (crowd === undefined) throw new Error('nothing was measured');
  const middle = (figure: keyof (typeof ratios)[number]) => median(ratios.map((ratio) => ratio[figure]));
  return { size, p99: middle('p99'), p50: middle('p50'), withoutMs: middle('withoutMs'), withMs: middle('withMs'), processor: middle('processor'), crowd };
}

interface Crowd extends AsyncDisposable {
  report(): Promise<CrowdReport>;
}

async function startCrowd(order: CrowdOrder): Promise<Crowd> {
  const child = fork(new URL('./crowd/crowd-process.ts', import.meta.url), [JSON.stringify(order)], { execArgv: ['--conditions=@meshwork/source'] });
  await next(child);
  return {
    async report() {
      child.send('report');
      const report = (await next(child)) as CrowdReport;
      const held = Object.values(report.held).reduce((sum, count) => sum + count, 0);
      // Heads are cut a fifth at a time and come back; more would be a crowd that was not there.
      if (held < order.size * 0.9) throw new Error(`of ${order.size} slow clients only ${held} were connected: ${JSON.stringify(report)}`);
      return report;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.disconnect();
      }),
  };
}

function next(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the crowd ended with code ${code}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message);
    });
  });
}

if (import.meta.main) {
  const [size = 2_000, rounds = 12, seconds = 3, rate = 400] = process.argv.slice(2, 6).map(Number);
  console.dir(await measureSlowCrowd({ size, rounds, durationMs: seconds * 1_000, rate, withinMs: 8_000, inTurns: process.argv[6] === 'turns', show: true }), {
    depth: 4,
  });
}
