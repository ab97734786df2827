import { createMemoryStore, encodeValue, type Store, type StoredValue, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import type { Agenda } from './agenda.ts';
import type { Chronicle } from './chronicle.ts';
import { type Life, livingAs, promiseTo } from './life.ts';
import type { Random } from './random.ts';

/** How a disk works when nothing is wrong with it. */
export interface DiskConditions {
  /** Shortest and longest time an operation takes, in milliseconds; a write is synced, and only then acknowledged, when it is over. */
  readonly delayMs: readonly [number, number];
  /** Milliseconds between a write's acknowledgement and its sync. Above 0 it is a disk that may lose what it acknowledged, and its store says so. */
  readonly syncLagMs: number;
}

/** A machine's disk, and what can be wrong with it. */
export interface SimulatedDisk {
  /** Operations fail from now on: some before they did anything, some after, when nobody knows. */
  fail(): void;
  /** Operations take `factor` times as long. */
  slow(factor: number): void;
  /** Ends failures and slowness. */
  heal(): void;
  /** What is synced at this moment: a backup. */
  snapshot(): DiskImage;
  /** Puts a backup, or a copy of another node's disk, in the place of what is there. @throws {TypeError} while the node is up. */
  restore(image: DiskImage): void;
}

/** A disk's content. */
export interface DiskImage {
  readonly writes: readonly Write[];
}

/** A change of the store that can be made again: the same changes at the same times give the same store, revisions and offsets too. */
interface Write {
  readonly time: number;
  apply(store: Store): Promise<unknown>;
}

export interface OwnedDisk extends SimulatedDisk {
  open(life: Life): Store;
  /** The machine stops: of what was not synced a part may have reached the disk, in order. */
  stop(): void;
}

interface DiskOptions {
  readonly node: string;
  readonly agenda: Agenda;
  readonly chronicle: Chronicle;
  readonly random: Random;
  readonly conditions: DiskConditions;
  readonly isUp: () => boolean;
}

export function createSimulatedDisk({ node, agenda, chronicle, random, conditions: { delayMs, syncLagMs }, isUp }: DiskOptions): OwnedDisk {
  let writes: Write[] = [];
  let synced = 0;
  let failing = false;
  let slowness = 1;
  const delay = () => {
    if (slowness > 1) chronicle.count('disk-slowed', node);
    return random.between(...delayMs) * slowness;
  };
  const away = () => new UnavailableError(`the disk of ${JSON.stringify(node)} fails; try again later`);
  const unknown = () => new UnknownOutcomeError(`the disk of ${JSON.stringify(node)} failed while it wrote; look before you retry`);

  const open = (life: Life): Store => {
    let replayed: number | undefined;
    const memory = createMemoryStore({ clock: { now: () => replayed ?? life.clock.now() } });
    livingAs.run(life, () => {
      for (const { time, apply } of writes) {
        replayed = time;
        void apply(memory);
      }
    });
    replayed = undefined;

    const read = <T>(work: () => Promise<T>): Promise<T> =>
      promiseTo(life, (resolve, reject) => {
        const fails = failing;
        if (fails) chronicle.count('disk-failed', node);
        agenda.put(agenda.now() + delay(), () => (life.isOver() ? undefined : fails ? reject(away()) : livingAs.run(life, work).then(resolve, reject)));
      });
    /** The change is made at once, so that changes happen in the order they are called; it is synced and acknowledged later. */
    const write = <T>(apply: (store: Store) => Promise<T>): Promise<T> =>
      promiseTo(life, (resolve, reject) => {
        const later = (ms: number, act: () => void) =>
          agenda.put(agenda.now() + ms, () => {
            if (!life.isOver()) act();
          });
        const fails = failing;
        if (fails && random.chance(0.5)) {
          chronicle.count('disk-failed', node);
          return void later(delay(), () => reject(away()));
        }
        const time = life.clock.now();
        apply(memory).then(
          (result) => {
            if (life.isOver()) return;
            const place = writes.push({ time, apply });
            const sync = () => {
              synced = Math.max(synced, place);
              chronicle.note(node, `synced ${place}`);
            };
            if (fails) {
              chronicle.count('disk-unknown', node);
              return void later(delay(), () => reject(unknown()));
            }
            later(delay(), () => {
              if (syncLagMs === 0) sync();
              else later(syncLagMs, sync);
              resolve(result);
            });
          },
          (error) => later(delay(), () => reject(error)),
        );
      });
    async function* pages<T>(work: () => AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
      await read(async () => {});
      yield* work();
    }

    return {
      durability: syncLagMs === 0 ? 'durable' : 'may-lose-acknowledged',
      get: (key) => read(() => memory.get(key)),
      put(key, value, options) {
        const copy = copyOf(value);
        return write((store) => store.put(key, copy, options));
      },
      delete: (key, options) => write((store) => store.delete(key, options)),
      list: (prefix, options) => pages(() => memory.list(prefix, options)),
      // Watching begins with the first `next()`, so these wait for nothing.
      watch: (prefix, options) => memory.watch(prefix, options),
      follow: (stream, options) => memory.follow(stream, options),
      append(stream, values, options) {
        const copies = values.map(copyOf);
        return write((store) => store.append(stream, copies, options));
      },
      appendPast(stream, records, options) {
        const copies = records.map(({ time, value }) => ({ time, value: copyOf(value) }));
        return write((store) => store.appendPast?.(stream, copies, options) ?? Promise.reject(away()));
      },
      read: (stream, options) => pages(() => memory.read(stream, options)),
      head: (stream) => read(() => memory.head(stream)),
      streams: (prefix) => pages(() => memory.streams(prefix)),
      trim: (stream, before) => write((store) => store.trim(stream, before)),
      close: () => promiseTo(life, (resolve, reject) => memory.close().then(resolve, reject)),
    };
  };

  return {
    open,
    stop() {
      const kept = synced + random.below(writes.length - synced + 1);
      if (kept < writes.length) chronicle.count('unsynced-lost', node, `${writes.length - kept} writes`);
      writes = writes.slice(0, kept);
      synced = kept;
    },
    fail() {
      failing = true;
      chronicle.note(node, 'disk fails');
    },
    slow(factor) {
      slowness = factor;
      chronicle.note(node, `disk is ${factor.toFixed(3)} times slower`);
    },
    heal() {
      failing = false;
      slowness = 1;
      chronicle.note(node, 'disk is well');
    },
    snapshot: () => ({ writes: writes.slice(0, synced) }),
    restore(image) {
      if (isUp()) throw new TypeError(`stop the node ${JSON.stringify(node)} before its disk is restored`);
      writes = [...image.writes];
      synced = writes.length;
      chronicle.count('disk-restored', node, `${synced} writes`);
    },
  };
}

/** The caller may change its value later. What is no value is left to the store to refuse. */
function copyOf(value: StoredValue): StoredValue {
  try {
    encodeValue(value);
    return structuredClone(value);
  } catch {
    return value;
  }
}
