import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openSqlite } from '@meshwork/store-sqlite';

export interface StoreMeasured {
  readonly recordsPerSecond: number;
  /** Event-loop delay, in milliseconds. */
  readonly delayP99: number;
  readonly delayMax: number;
  /** From the call to the acknowledgement, in milliseconds. */
  readonly appendP99: number;
  /** Processor time of the whole process and of its main thread, in microseconds a record. */
  readonly cpuMicros: number;
  readonly mainCpuMicros: number | undefined;
}

export interface StoreFigures {
  /** Durable writes with the thread, and on the calling thread. */
  readonly beside: StoreMeasured;
  readonly calling: StoreMeasured;
}

const CALLERS = 32;
const RECORD_BYTES = 500;

/** Callers that append one durable record after another: the store with and without its thread take turns. Medians of the rounds. */
export async function measureStore({ rounds = 5, durationMs = 2_000 } = {}): Promise<StoreFigures> {
  const beside: StoreMeasured[] = [];
  const calling: StoreMeasured[] = [];
  for (let round = 0; round < rounds; round++) {
    calling.push(await measureOnce(false, durationMs));
    beside.push(await measureOnce(true, durationMs));
  }
  return { beside: medians(beside), calling: medians(calling) };
}

async function measureOnce(thread: boolean, durationMs: number): Promise<StoreMeasured> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-bench-'));
  const store = await openSqlite({ path: join(folder, 'hub.db'), thread });
  const record = new Uint8Array(RECORD_BYTES).fill(97);
  const latencies: number[] = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  try {
    const cpu = process.cpuUsage();
    const mainCpu = process.threadCpuUsage?.();
    const started = performance.now();
    delay.enable();
    const caller = async () => {
      for (let begun = started; begun - started < durationMs; ) {
        await store.append('log', [record]);
        const now = performance.now();
        latencies.push(now - begun);
        begun = now;
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    delay.disable();
    const seconds = (performance.now() - started) / 1_000;
    const all = process.cpuUsage(cpu);
    const main = mainCpu === undefined ? undefined : process.threadCpuUsage(mainCpu);
    latencies.sort((a, b) => a - b);
    const count = latencies.length;
    return {
      recordsPerSecond: Math.round(count / seconds),
      delayP99: inHundredths(delay.percentile(99) / 1e6),
      delayMax: inHundredths(delay.max / 1e6),
      appendP99: inHundredths(latencies[Math.floor(count * 0.99)] ?? Number.NaN),
      cpuMicros: inHundredths((all.user + all.system) / count),
      mainCpuMicros: main === undefined ? undefined : inHundredths((main.user + main.system) / count),
    };
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function medians(rounds: readonly StoreMeasured[]): StoreMeasured {
  const middle = (pick: (measured: StoreMeasured) => number | undefined) => {
    const sorted = rounds
      .map(pick)
      .filter((value) => value !== undefined)
      .toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  };
  return {
    recordsPerSecond: middle((each) => each.recordsPerSecond) ?? Number.NaN,
    delayP99: middle((each) => each.delayP99) ?? Number.NaN,
    delayMax: middle((each) => each.delayMax) ?? Number.NaN,
    appendP99: middle((each) => each.appendP99) ?? Number.NaN,
    cpuMicros: middle((each) => each.cpuMicros) ?? Number.NaN,
    mainCpuMicros: middle((each) => each.mainCpuMicros),
  };
}

function inHundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
