import { UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { byteaArray } from './bytea-array.ts';
import { type Connection, LostError, RefusedError } from './connection.ts';
import type { RowValue } from './row-value.ts';
import { TRIM } from './write-function.ts';

/** One write, as `write_1` takes it; `name` is a key or a stream. */
export interface Write {
  readonly op: number;
  readonly name: Uint8Array;
  readonly expected?: number | undefined;
  readonly ttlMs?: number | undefined;
  readonly content?: RowValue;
  readonly records?: readonly RowValue[];
}

/** `refused`: another state was expected, and `at` is the present one. Else `at` is the write's revision or first offset. */
interface Answer {
  readonly refused: boolean;
  readonly at: number;
}

/** Sends writes that come while a batch is on its way together as the next one: in their order, and each with an answer of its own. */
export interface BatchWriter {
  /** @throws {UnavailableError} when it was not done, {@link UnknownOutcomeError} when nobody knows. */
  write(write: Write): Promise<Answer>;
  /** Resolves when all that was taken is settled. */
  idle(): Promise<void>;
}

export interface BatchWriterOptions {
  readonly connection: Connection;
  readonly schema: string;
  /** Milliseconds since the Unix epoch; undefined: the server's own clock decides. */
  readonly now: () => number | undefined;
  /** A batch was committed. */
  readonly onCommit: () => void;
}

interface Waiting {
  readonly write: Write;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** A batch is one value for the server: large enough to be quick, small enough not to be felt. */
const MOST_WRITES = 1_000;
const MOST_BYTES = 8_000_000;

export function createBatchWriter({ connection, schema, now, onCommit }: BatchWriterOptions): BatchWriter {
  const text = `SELECT refused, at FROM ${schema}.write_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`;
  let waiting: Waiting[] = [];
  let running: Promise<void> | undefined;

  const send = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const answers = await connection.run<Answer>(
        'write',
        text,
        batchValues(
          batch.map(({ write }) => write),
          now(),
        ),
      );
      onCommit();
      for (const [index, { resolve, reject }] of batch.entries()) {
        const answer = answers[index];
        if (answer === undefined) reject(new UnknownOutcomeError('PostgreSQL gave no answer to a write; look before you retry'));
        else resolve(answer);
      }
    } catch (cause) {
      // One that the server cannot carry out does not take the others with it.
      if (cause instanceof RefusedError && batch.length > 1) for (const one of batch) await send([one]);
      else for (const { reject } of batch) reject(toWriteError(cause));
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
        waiting.push({ write, resolve, reject });
        running ??= run();
      }),
    idle: async () => running,
  };
}

/** How many of those who wait go together. A trim begins a batch, since it must not see what was appended after it. */
function lengthOfBatch(waiting: readonly Waiting[]): number {
  let bytes = 0;
  let length = 0;
  for (const { write } of waiting) {
    bytes += sizeOf(write);
    if (length > 0 && (write.op === TRIM || bytes > MOST_BYTES || length === MOST_WRITES)) break;
    length += 1;
  }
  return length;
}

function sizeOf({ name, content, records = [] }: Write): number {
  return records.reduce((sum, { value }) => sum + value.length, name.length + (content?.value.length ?? 0));
}

/** Writes as the parameters of `write_1`. */
export function batchValues(writes: readonly Write[], now: number | undefined): unknown[] {
  const records = writes.flatMap(({ records = [] }, place) => records.map((record, number) => ({ ...record, place: place + 1, number: number + 1 })));
  return [
    now ?? null,
    writes.map(({ op }) => op),
    byteaArray(writes.map(({ name }) => name)),
    writes.map(({ expected }) => expected ?? null),
    writes.map(({ ttlMs }) => ttlMs ?? null),
    writes.map(({ content }) => content?.kind ?? null),
    byteaArray(writes.map(({ content }) => content?.value ?? null)),
    writes.map(({ records }) => records?.length ?? null),
    records.map(({ place }) => place),
    records.map(({ number }) => number),
    records.map(({ kind }) => kind),
    byteaArray(records.map(({ value }) => value)),
  ];
}

function toWriteError(cause: unknown): unknown {
  if (cause instanceof LostError)
    return new UnknownOutcomeError(`the connection to PostgreSQL was lost (${cause.message}) and the write may or may not be done; look before you retry`, {
      cause,
    });
  if (cause instanceof RefusedError) return new UnavailableError(`PostgreSQL cannot write: ${cause.message}; nothing was changed`, { cause });
  return cause;
}
