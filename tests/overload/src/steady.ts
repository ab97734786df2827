import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from './callers.ts';

/** How a steady caller fared, in milliseconds. */
export interface Fared {
  readonly calls: number;
  readonly failures: readonly string[];
  readonly p50: number;
  readonly p99: number;
}

/** Calls one after the other, with a short pause in between, until that has come. */
export async function callSteadily(caller: Caller, end: Promise<unknown>): Promise<Fared> {
  const latencies: number[] = [];
  const failures: string[] = [];
  let isOver = false;
  void end.finally(() => {
    isOver = true;
  });
  while (!isOver || latencies.length + failures.length < 5) {
    const started = performance.now();
    try {
      await caller.call('echo', { text: 'hello' });
      latencies.push(performance.now() - started);
    } catch (error) {
      failures.push(String(error));
    }
    if (failures.length > 20) break;
    await sleep(4);
  }
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.POSITIVE_INFINITY;
  return { calls: latencies.length, failures, p50: at(0.5), p99: at(0.99) };
}
