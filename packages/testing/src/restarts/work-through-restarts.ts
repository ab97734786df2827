import { countUp, watchCounters } from './counters.ts';
import { appendPairs, checkPairs, followPairs, type Told } from './pairs.ts';
import type { Restartable } from './restartable.ts';
import { createWitness, type Ending } from './witness.ts';

export interface RestartOptions {
  /** How often the engine is killed. Default 20. */
  readonly rounds?: number;
  /** How many count, and how many append. Default 4 of each. */
  readonly writers?: number;
}

/** How the work went; without faults, every promise of both ports was kept. */
export interface RestartReport {
  readonly endings: Readonly<Record<Ending, number>>;
  readonly faults: readonly string[];
}

/** Writes acknowledged before the next kill. */
const WRITES_A_ROUND = 60;
const DOWN_MS = 30;
const LONGEST_WAIT_MS = 60_000;

/** Writes, watches and follows while the engine is killed again and again, and holds what is there against what was said. */
export async function workThroughRestarts({ store, kill, restart }: Restartable, { rounds = 20, writers = 4 }: RestartOptions = {}): Promise<RestartReport> {
  const witness = createWitness();
  const { endings } = witness;
  let over = false;
  const isOver = () => over;
  const names = Array.from({ length: writers }, (_, index) => `writer-${index}`);
  const told: Told = new Map();
  const seenCounts = new Map<string, number>();
  const seenPairs = { head: 0 };
  const watching = new AbortController();
  const watchers = [watchCounters(store, witness, watching.signal, seenCounts), followPairs(store, witness, watching.signal, seenPairs)].map((watcher) =>
    watcher.catch((error) => witness.fault(`a watcher ended: ${String(error)}`)),
  );
  const counters = Promise.all(names.map((name) => countUp(store, name, witness, isOver)));
  const appenders = Promise.all(names.map((name) => appendPairs(store, name, witness, isOver, told)));
  for (let round = 0; round < rounds; round++) {
    const before = endings.done;
    if (!(await until(() => endings.done >= before + WRITES_A_ROUND))) witness.fault(`nothing is written again after ${round} restarts`);
    await kill();
    const failed = endings['not-done'] + endings.unknown;
    await until(() => endings['not-done'] + endings.unknown > failed, 100);
    // So that some call begins while it is away, too.
    await new Promise((resolve) => setTimeout(resolve, DOWN_MS));
    await restart();
  }
  over = true;
  const counts = await counters;
  await appenders;
  const head = await checkPairs(store, witness, told);
  const caughtUp = () => seenPairs.head === head && names.every((name, index) => seenCounts.get(name) === counts[index]);
  if (!(await until(caughtUp)))
    witness.fault(`watchers stand at ${JSON.stringify([...seenCounts])} and ${seenPairs.head}, not at ${counts.join()} and ${head}`);
  watching.abort();
  await Promise.all(watchers);
  return { endings, faults: witness.faults };
}

async function until(isSo: () => boolean, longestMs = LONGEST_WAIT_MS): Promise<boolean> {
  for (const since = Date.now(); !isSo(); await new Promise((resolve) => setTimeout(resolve, 5))) if (Date.now() - since > longestMs) return false;
  return true;
}
