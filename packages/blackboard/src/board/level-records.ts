import { MeshworkError, StoreFormatError, UnavailableError } from '@meshwork/core';
import type { ChosenLevel } from '../entry.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import { LEVEL_OF } from '../strong/level-key.ts';
import type { StrongStore } from '../strong/strong-store.ts';
import { waitUntil } from '../strong/wait-until.ts';

/**
 * Which level was chosen for a key: a record in the strong store, written once, by compare-and-set, before anything is written under the key. So two sides that do not
 * hear of each other cannot choose differently; who cannot reach the store cannot choose.
 */
export interface LevelRecords {
  /** What is remembered of it. It never changes, so it needs no store. */
  remembered(key: string): ChosenLevel | undefined;
  /** `undefined` when nobody has chosen yet. @throws {UnavailableError} when the store does not say in time. */
  find(key: string, signal: AbortSignal): Promise<ChosenLevel | undefined>;
  /** What was chosen, which is `wanted` when nobody had chosen yet. @throws {UnavailableError} when the store does not say in time; it may have been chosen. */
  choose(key: string, wanted: ChosenLevel, signal: AbortSignal): Promise<ChosenLevel>;
}

export interface LevelRecordsOptions {
  /** Has compare-and-set. */
  readonly store: StrongStore;
  readonly time: HybridClock;
  /** Who writes records. */
  readonly hub: string;
  /** How many are remembered. Default 10,000. */
  readonly mostRemembered?: number;
}

const PAUSE_MS = 20;

export function createLevelRecords({ store, time, hub, mostRemembered = 10_000 }: LevelRecordsOptions): LevelRecords {
  const levels = new Map<string, ChosenLevel>();
  const remember = (key: string, level: ChosenLevel): ChosenLevel => {
    levels.delete(key);
    levels.set(key, level);
    for (const oldest of levels.keys()) {
      if (levels.size <= mostRemembered) break;
      levels.delete(oldest);
    }
    return level;
  };
  const read = async (key: string, signal: AbortSignal): Promise<ChosenLevel | undefined> => {
    const record = await store.read(LEVEL_OF + key, { signal });
    return record?.value === undefined ? undefined : remember(key, levelIn(key, record.value));
  };
  const choose: LevelRecords['choose'] = async (key, wanted, signal) => {
    const record = { key: LEVEL_OF + key, value: wanted, writer: hub };
    while (!signal.aborted) {
      try {
        await store.compareAndSet({ ...record, time: time.next() }, undefined, { signal });
        return remember(key, wanted);
      } catch (error) {
        // Somebody chose before, or nobody knows whether this was written: the record tells. While there is none, what is on its way may still come, or the same again.
        if (!MeshworkError.isInstance(error) || (error.code !== 'CONFLICT' && error.code !== 'UNKNOWN_OUTCOME')) throw error;
      }
      const found = await read(key, signal);
      if (found !== undefined) return found;
      await waitUntil(PAUSE_MS, signal);
    }
    throw new UnavailableError(`the level of ${JSON.stringify(key)} could not be settled in time, and nothing was written under it; try again later`);
  };
  return {
    remembered(key) {
      const level = levels.get(key);
      // The least used are forgotten first.
      return level && remember(key, level);
    },
    async find(key, signal) {
      const [chosen, register] = await Promise.all([read(key, signal), store.read(key, { signal })]);
      // A key that was strong by a rule, before writers could choose, has no record yet.
      return chosen === undefined && register?.value !== undefined ? choose(key, 'strong', signal) : chosen;
    },
    choose,
  };
}

function levelIn(key: string, value: unknown): ChosenLevel {
  if (value === 'eventual' || value === 'strong') return value;
  throw new StoreFormatError(`the strong store has no level for ${JSON.stringify(key)} that this program knows; update it`);
}
