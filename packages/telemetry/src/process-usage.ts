import type { Clock } from '@meshwork/core';

/** What the process uses of its machine. All zero where the runtime does not tell. */
export interface ProcessUsage {
  /** Resident memory, in MiB. */
  readonly memoryMb: number;
  /** Processor time since the measurement before; 100 is one core. */
  readonly cpuPercent: number;
}

/** The part of Node's `process` that is read; other runtimes have none of it, or some. */
export interface ProcessLike {
  memoryUsage?(): { readonly rss: number };
  /** Microseconds. */
  cpuUsage?(): { readonly user: number; readonly system: number };
}

/** Several readers, such as two probes, share one measurement of at least this length. */
const SHORTEST_WINDOW_MS = 1_000;

/** Measures the process between one reading and the next; the first reading covers the time since the meter was made. */
export function createUsageMeter({
  clock,
  process = (globalThis as { process?: ProcessLike }).process,
}: {
  readonly clock: Clock;
  readonly process?: ProcessLike | undefined;
}): () => ProcessUsage {
  let since = clock.now();
  let usedMs = cpuMs(process);
  let cpuPercent = 0;
  return () => {
    const elapsed = clock.now() - since;
    // A clock that was set back starts a new window.
    if (elapsed < 0) since = clock.now();
    if (elapsed >= SHORTEST_WINDOW_MS) {
      const used = cpuMs(process);
      cpuPercent = Math.max(0, round(((used - usedMs) / elapsed) * 100));
      usedMs = used;
      since += elapsed;
    }
    return { memoryMb: round((process?.memoryUsage?.().rss ?? 0) / 1_048_576), cpuPercent };
  };
}

function cpuMs(process: ProcessLike | undefined): number {
  const { user, system } = process?.cpuUsage?.() ?? { user: 0, system: 0 };
  return (user + system) / 1_000;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
