import { StoreFormatError, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { type Connection, LostError, RefusedError } from './connection.ts';
import { runScript } from './script.ts';
import type { StoreKeys } from './store-keys.ts';
import { GONE, writeScript } from './write-script.ts';

/** One write, as the script takes it; `name` is a key or a stream. */
interface Write {
  readonly op: string;
  readonly name: string;
  readonly expected?: number | undefined;
  /** The Redis key of the stream, of a write that touches one. */
  readonly stream?: string;
  readonly values: readonly (string | Buffer)[];
  /** Bytes it brings, about. */
  readonly size: number;
}

/** `refused`: another state was expected, and `at` is the present one. Else `at` is the write's revision or first offset. */
interface Answer {
  readonly refused: boolean;
  readonly at: number;
}

/** Sends writes that come while a batch is on its way together as the next one: in their order, and each with an answer of its own. */
export interface BatchWriter {
  /** @throws {UnavailableError} when it was not done, {@link UnknownOutcomeError} when nobody knows, {@link StoreFormatError} when the store is gone. */
  write(write: Write): Promise<Answer>;
  /** Resolves when all that was taken is settled. */
  idle(): Promise<void>;
}

export interface BatchWriterOptions {
  readonly connection: Connection;
  readonly keys: StoreKeys;
  /** The store's own name for itself, made when it was. */
  readonly id: string;
  /** Milliseconds since the Unix epoch; undefined: the server's own clock decides. */
  readonly now: () => number | undefined;
  /** Refuses every write. */
  readonly readOnly: boolean;
  /** A batch was carried out. */
  readonly onCommit: () => void;
}

interface Waiting {
  readonly write: Write;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Redis does nothing else meanwhile: large enough to be quick, small enough not to be felt by others. */
const MOST_WRITES = 1_000;
const MOST_BYTES = 4_000_000;

export function createBatchWriter({ connection, keys, id, now, readOnly, onCommit }: BatchWriterOptions): BatchWriter {
  let waiting: Waiting[] = [];
  let running: Promise<void> | undefined;

  const send = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const { streams, values } = pack(
        batch.map(({ write }) => write),
        keys.common.length,
      );
      const head = [id, now()?.toFixed(0) ?? ''];
      const answers = (await runScript(connection, writeScript, [...keys.common, ...streams], [...head, ...values])) as readonly number[];
      onCommit();
      for (const [index, { resolve }] of batch.entries()) resolve({ refused: answers[2 * index] === 1, at: answers[2 * index + 1] ?? 0 });
    } catch (cause) {
      const error = toWriteError(cause);
      for (const { reject } of batch) reject(error);
      // Those that came meanwhile were not sent, and do not wait for another silence.
      if (!(cause instanceof LostError && cause.silent)) return;
      const unsent = waiting;
      waiting = [];
      for (const { reject } of unsent) reject(new UnavailableError(`Redis is silent (${cause.message}) and the write was not sent; retry later`, { cause }));
    }
  };
  const run = async () => {
    // What is called in one turn goes together.
    await undefined;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, lengthOfBatch(waiting));
      waiting = waiting.slice(batch.length);
      await send(batch);
    }
    running = undefined;
  };
  return {
    write: (write) =>
      new Promise((resolve, reject) => {
        if (readOnly) return reject(new UnavailableError('the store was opened for reading only; nothing was changed'));
        waiting.push({ write, resolve, reject });
        running ??= run();
      }),
    idle: async () => running,
  };
}

function lengthOfBatch(waiting: readonly Waiting[]): number {
  let bytes = 0;
  let length = 0;
  for (const { write } of waiting) {
    bytes += write.size;
    if (length > 0 && (bytes > MOST_BYTES || length === MOST_WRITES)) break;
    length += 1;
  }
  return length;
}

/** The values of all writes in a row, and the Redis keys of their streams, which they name by their place among all keys. */
function pack(writes: readonly Write[], common: number): { readonly streams: readonly string[]; readonly values: readonly (string | Buffer)[] } {
  const places = new Map<string, number>();
  const packed: (string | Buffer)[] = [];
  for (const { op, name, expected, stream, values } of writes) {
    packed.push(op, name, expected === undefined ? '' : String(expected));
    if (stream !== undefined) {
      const place = places.get(stream) ?? common + places.size + 1;
      places.set(stream, place);
      packed.push(String(place));
    }
    // One by one: so many as an append may have are too many arguments.
    for (const value of values) packed.push(value);
  }
  return { streams: [...places.keys()], values: packed };
}

/** The replies that say that a script wrote nothing. After its first write Redis lets one write on, whatever comes. */
const unwritten = new Set(['READONLY', 'LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'MOVED', 'OOM', 'MISCONF', 'NOREPLICAS', 'BUSY', 'NOSCRIPT', 'NOAUTH']);

function toWriteError(cause: unknown): unknown {
  if (cause instanceof LostError)
    return new UnknownOutcomeError(`the connection to Redis was lost (${cause.message}) and the write may or may not be done; look before you retry`, {
      cause,
    });
  if (!(cause instanceof RefusedError)) return cause;
  if (cause.reply === GONE)
    return new StoreFormatError('Redis has lost the store or has another in its place, and nothing was written; find out why, then open it again', { cause });
  if (unwritten.has(cause.reply)) return new UnavailableError(`Redis cannot write: ${cause.message}; nothing was changed`, { cause });
  return new UnknownOutcomeError(`Redis failed within a write: ${cause.message}; look before you retry`, { cause });
}
