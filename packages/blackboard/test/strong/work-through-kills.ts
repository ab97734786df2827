import type { StrongReading, StrongStore } from '@meshwork/blackboard';
import { ConflictError, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import type { RegisterOutput } from '@meshwork/testing/linearizability';
import { recordStrong, refuseWhatIsNotLinearizable } from './strong-world.ts';

export interface KillableEngine {
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export interface WorkOptions {
  readonly rounds: number;
  /** Operations that are done before the next kill. */
  readonly perRound: number;
  /** Whether the stores have a compare-and-set. */
  readonly hasCompareAndSet: boolean;
  /** Goes on beside the clients until they are done. */
  readonly meanwhile?: (isOver: () => boolean) => Promise<void>;
}

/** So that histories do not become longer than can be checked, where the engine is not asked for each operation. */
const PAUSE_MS = 15;
const keys = ['a', 'b', 'c'];

/**
 * Clients of several hubs read, write, delete, and compare and set, while an engine is killed and started again; what they saw has to be linearizable. How many
 * operations ended, and of how many nobody knows.
 */
export async function workThroughKills(
  stores: readonly StrongStore[],
  engine: KillableEngine,
  { rounds, perRound, hasCompareAndSet, meanwhile = async () => {} }: WorkOptions,
): Promise<{ readonly done: number; readonly failed: number; readonly unknown: number }> {
  const recorder = recordStrong();
  const counts = { done: 0, failed: 0, unknown: 0 };
  let isOver = false;
  let lastValue = 0;

  const work = async (client: number): Promise<void> => {
    const name = `client ${client}`;
    const store = stores[client % stores.length] as StrongStore;
    for (let turn = 0; !isOver; turn++) {
      const key = keys[(turn + client) % keys.length] as string;
      const signal = AbortSignal.timeout(10_000);
      lastValue += 1;
      const value = lastValue % 9 === 0 ? undefined : lastValue;
      try {
        let seen: StrongReading | undefined;
        await recorder.perform(name, { type: 'read', key }, async () => {
          seen = await store.read(key, { signal });
          return seen?.value as RegisterOutput;
        });
        if (hasCompareAndSet && turn % 2 === 0) {
          const expected = seen?.value as RegisterOutput;
          await recorder.perform(name, { type: 'cas', key, expected, value }, () =>
            store.compareAndSet({ key, value, writer: name, time: 0 }, expected === undefined ? undefined : seen?.version, { signal }).then(
              () => true,
              (error: unknown) => {
                if (error instanceof ConflictError) return false;
                throw error;
              },
            ),
          );
        } else
          await recorder.perform(name, { type: 'write', key, value }, async () => void (await store.write({ key, value, writer: name, time: 0 }, { signal })));
        counts.done += 1;
      } catch (error) {
        if (error instanceof UnknownOutcomeError) counts.unknown += 1;
        else if (error instanceof UnavailableError) counts.failed += 1;
        else throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };

  const clients = Promise.all(Array.from({ length: 4 }, (_, client) => work(client)));
  const beside = meanwhile(() => isOver);
  try {
    for (let round = 0; round < rounds; round++) {
      await Promise.race([clients, until(() => counts.done >= (round + 1) * perRound)]);
      await engine.kill();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await engine.restart();
    }
    await Promise.race([clients, until(() => counts.done >= (rounds + 1) * perRound)]);
  } finally {
    isOver = true;
  }
  await Promise.all([clients, beside]);
  refuseWhatIsNotLinearizable(recorder);
  return counts;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
