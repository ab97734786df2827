import { ClosedError, ConflictError, type IdSource, type KeyValueStore, randomIds, requireDurable, UnavailableError } from '@meshwork/core';
import { withEither } from '../with-either.ts';
import { checkKey, checkPrefix, checkWrite } from './check-write.ts';
import { putConditionally } from './conditional-put.ts';
import { type FoundValue, foundIn, storedOf } from './held-value.ts';
import { createKeyListeners } from './key-listeners.ts';
import { decodeKey, encodeKey } from './key-order.ts';
import { type RegisterLimits, valueIn } from './register.ts';
import type { StrongReading, StrongStore, StrongWrite } from './strong-store.ts';
import { tellChanges } from './tell-changes.ts';
import { patientlyUntil } from './wait-until.ts';

export interface KeyValueStrongStoreOptions {
  /** This hub's name, for `replica`. */
  readonly name: string;
  readonly board: string;
  /**
   * A store that all hubs share and whose engine is linearizable: PostgreSQL, or NATS with three replicas. One that may lose what it acknowledged, such as Redis, is
   * refused by its `durability`. Keys begin with `blackboard/strong/{board}/`.
   */
  readonly store: KeyValueStore;
  /**
   * Whether what is read is written once more before it is told, on condition that nothing has changed: for engines whose reads may be stale for a while, as those of a
   * NATS leader that is cut off. A `list` confirms what it shows, not what it lacks. Default false.
   */
  readonly confirmReads?: boolean;
  /** Allows a store that may lose what it acknowledged. For tests and trials: what was lost may be read as it was before. */
  readonly allowVolatile?: boolean;
  readonly ids?: IdSource;
  /** Characters of a key. Default 1,024. */
  readonly maxKeyLength?: number;
  /** Characters of a value's JSON, about. Default 1,048,576. */
  readonly maxValueLength?: number;
}

/** How long a deletion is kept, so that whoever does not know whether it happened can look. */
const TOMBSTONE_MS = 3_600_000;
const PAUSE_MS = 20;

/**
 * Registers, with compare-and-set, on a store that is linearizable by itself: every write is conditional on the revision it replaces, and carries an id by which
 * one without an answer is found again. Deleted keys are gone after an hour.
 *
 * @throws {NotDurableError} when the store may lose what it acknowledged.
 */
export function createKeyValueStrongStore(options: KeyValueStrongStoreOptions): StrongStore {
  const { name, board, store, confirmReads = false, ids = randomIds } = options;
  const limits: RegisterLimits = { maxKeyLength: options.maxKeyLength ?? 1_024, maxValueLength: options.maxValueLength ?? 1_048_576, maxDepth: 64 };
  if (options.allowVolatile !== true) requireDurable(store, `the strong level of the board ${JSON.stringify(board)}`);
  const prefix = `blackboard/strong/${encodeURIComponent(board)}/`;
  const placeOf = (key: string) => `${prefix}${encodeKey(key)}`;
  const keyOf = (place: string) => decodeKey(place.slice(prefix.length));
  const closing = new AbortController();
  const listeners = createKeyListeners();
  let watching: AbortController | undefined;

  const call = <T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    closing.signal.aborted ? Promise.reject(new ClosedError('the board is closed')) : withEither([signal, closing.signal], work);
  const readingOf = (key: string, { write, writer, replica, time, json }: Omit<FoundValue, 'revision' | 'before'>): StrongReading => {
    return { key, value: valueIn(json, limits), version: write, writer, replica, time };
  };

  const write = async (given: StrongWrite, refusalOf: (present: FoundValue | undefined) => Error | undefined, signal: AbortSignal): Promise<StrongReading> => {
    const json = checkWrite(given, limits);
    const { key, writer, time } = given;
    const value = { write: ids('write'), json, writer, replica: name, time };
    const place = placeOf(key);
    const confirmAt = (present: FoundValue | undefined) => confirm(place, present);
    await putConditionally({ store, key: place, value, ttlMs: ttlOf(value), refusalOf, confirm: confirmAt, signal });
    return readingOf(key, value);
  };
  /** Writes what was read once more, if need be: that is refused when it is not the latest. It is the same write, so that nobody takes it for another. */
  const confirm = async (place: string, found: FoundValue | undefined): Promise<void> => {
    if (!confirmReads) return;
    const same = found ?? { write: ids('write'), before: undefined, json: undefined, writer: name, replica: name, time: 0 };
    const ttlMs = ttlOf(same);
    await store.put(place, storedOf(same), { expected: found?.revision ?? 0, ...(ttlMs !== undefined && { ttlMs }) });
  };
  const find = async (key: string): Promise<FoundValue | undefined> => {
    const place = placeOf(key);
    const entry = await store.get(place);
    const found = entry && foundIn(entry);
    await confirm(place, found);
    return found;
  };
  const read = (key: string, signal: AbortSignal): Promise<FoundValue | undefined> => {
    const attempt = async () => ({ found: await find(key) });
    return patientlyUntil(signal, PAUSE_MS, attempt, (why) => unread(key, why)).then(({ found }) => found);
  };
  const list: StrongStore['list'] = (begin, { signal, after, limit = Number.POSITIVE_INFINITY }) =>
    call(signal, async (until) => {
      checkPrefix(begin);
      const readings: StrongReading[] = [];
      let place = after === undefined ? undefined : placeOf(after);
      const page = async (): Promise<true> => {
        for await (const entry of store.list(placeOf(begin), place === undefined ? {} : { after: place })) {
          if (readings.length >= limit || until.aborted) break;
          const key = keyOf(entry.key);
          const found = confirmReads ? await find(key) : foundIn(entry);
          if (found?.json !== undefined) readings.push(readingOf(key, found));
          place = entry.key;
        }
        return true;
      };
      await patientlyUntil(until, PAUSE_MS, page, (why) => unread(begin, why));
      return readings;
    });

  return {
    hasCompareAndSet: true,
    read: (key, { signal }) =>
      call(signal, async (until) => {
        checkKey(key, limits);
        const found = await read(key, until);
        return found && readingOf(key, found);
      }),
    write: (given, { signal }) => call(signal, (until) => write(given, () => undefined, until)),
    compareAndSet: (given, expected, { signal }) =>
      call(signal, (until) =>
        write(
          given,
          (present) => {
            const version = present?.json === undefined ? undefined : present.write;
            return version === expected || present?.write === expected ? undefined : isElsewhere(given.key, version);
          },
          until,
        ),
      ),
    list,
    onChange(listener) {
      if (listeners.size === 0) {
        watching = new AbortController();
        void tellChanges({ store, prefix, signal: watching.signal, tell: (place) => listeners.tell(keyOf(place)) });
      }
      const stop = listeners.add(listener);
      return () => {
        stop();
        if (listeners.size === 0) watching?.abort();
      };
    },
    async close() {
      closing.abort(new ClosedError('the board is closed'));
      watching?.abort();
      listeners.clear();
    },
  };
}

function ttlOf({ json }: Pick<FoundValue, 'json'>): number | undefined {
  return json === undefined ? TOMBSTONE_MS : undefined;
}

function isElsewhere(key: string, version: string | undefined): ConflictError {
  const where = version === undefined ? 'is absent' : `is at version ${JSON.stringify(version)}`;
  return new ConflictError(`the key ${JSON.stringify(key)} ${where}; read it again and retry`, { details: { key, ...(version !== undefined && { version }) } });
}

function unread(what: string, cause: unknown): UnavailableError {
  return new UnavailableError(`the store of ${JSON.stringify(what)} did not answer in time; try again later`, { cause });
}
