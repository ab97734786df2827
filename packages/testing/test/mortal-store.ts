import { createMemoryStore, type Store, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import type { Restartable } from '@meshwork/testing';

/** What is wrong with a driver. */
export type Flaw =
  | 'none'
  | 'forgets a put'
  | 'denies what it did'
  | 'does what it denied'
  | 'retries blindly'
  | 'tears an append'
  | 'skips a change'
  | 'repeats a record';

const WAIT_MS = 1;

/** A store over memory whose engine dies as a real one does: writes under way are done or not, and nobody knows; later ones fail until it is back. */
export function createMortalStore(flaw: Flaw): Restartable {
  const memory = createMemoryStore();
  let alive = true;
  let deaths = 0;
  let flaws = 0;
  /** Shows the flaw once, after the first death: often enough to be found. */
  const shows = (which: Flaw) => flaw === which && deaths > 0 && flaws++ === 0;
  const pause = () => new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    const away = () => new UnavailableError('the engine is away; try again later');
    if (!alive) {
      if (shows('does what it denied')) await work();
      throw away();
    }
    const at = deaths;
    await pause();
    if (deaths !== at && deaths % 2 === 0) throw lost();
    const result = await work();
    await pause();
    if (deaths === at) return result;
    if (shows('denies what it did')) throw away();
    throw lost();
  };
  const lost = () => new UnknownOutcomeError('the engine went away meanwhile; look before you retry');
  const present = async <T>(work: () => Promise<T>) => {
    if (!alive) throw new UnavailableError('the engine is away; try again later');
    return work();
  };
  const store: Store = {
    ...memory,
    get: (key) => present(() => memory.get(key)),
    streams: (prefix) => memory.streams(prefix),
    head: (stream) => present(() => memory.head(stream)),
    put: (key, value, options) =>
      write(async () => {
        if (alive && shows('forgets a put')) return { revision: 1_000_000 };
        const { revision } = await memory.put(key, value, options);
        return { revision };
      }),
    append: (stream, values, options) =>
      write(async () => {
        if (alive && shows('retries blindly')) await memory.append(stream, values, options);
        return memory.append(stream, alive && shows('tears an append') ? values.slice(1) : values, options);
      }),
    async *watch(prefix, options) {
      for await (const change of memory.watch(prefix, options)) if (!shows('skips a change')) yield change;
    },
    async *follow(stream, options) {
      for await (const record of memory.follow(stream, options)) {
        yield record;
        if (shows('repeats a record')) yield record;
      }
    },
  };
  const kill = async () => {
    alive = false;
    deaths += 1;
  };
  const restart = async () => {
    alive = true;
  };
  return { store, kill, restart };
}
