import { type PastRecord, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { type Client, DatabaseError } from 'pg';
import { batchValues, type Write } from './batch-writer.ts';
import type { Connection } from './connection.ts';
import { toRowValue } from './row-value.ts';
import { APPEND } from './write-function.ts';

export interface PastAppenderOptions {
  /** One of its own: there is a transaction open on it. */
  readonly connection: Connection;
  readonly schema: string;
  readonly onCommit: () => void;
}

/** Appends records with times of their own: as any append, and the times are put right before anybody can see them. One at a time. */
export function createPastAppender({ connection, schema, onCommit }: PastAppenderOptions) {
  let last: Promise<unknown> = Promise.resolve();
  const append = async (stream: string, records: readonly PastRecord[], expected: number): Promise<{ readonly refused: boolean; readonly at: number }> => {
    const name = Buffer.from(stream);
    const write: Write = { op: APPEND, name, expected, records: records.map(({ value }) => toRowValue(value)) };
    const times = records.map(({ time }) => Math.floor(time));
    const client = await connection.ready();
    const answer = await inTransaction(client, async () => {
      const { rows } = await client.query(
        `SELECT refused, at FROM ${schema}.write_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
        batchValues([write], 0),
      );
      const [{ refused, at }] = rows as [{ refused: boolean; at: number }];
      if (!refused)
        await client.query(
          `UPDATE ${schema}.record SET time = past.time FROM unnest($3::bigint[]) WITH ORDINALITY AS past (time, number)
           WHERE stream = (SELECT id FROM ${schema}.stream WHERE name = $1) AND place = $2 + past.number - 1`,
          [name, at, times],
        );
      return { refused, at };
    });
    onCommit();
    return answer;
  };
  return (stream: string, records: readonly PastRecord[], expected: number) => {
    const next = last.then(() => append(stream, records, expected));
    last = next.catch(() => {});
    return next;
  };
}

async function inTransaction<T>(client: Client, work: () => Promise<T>): Promise<T> {
  let isEnding = false;
  try {
    await client.query('BEGIN');
    const result = await work();
    isEnding = true;
    await client.query('COMMIT');
    return result;
  } catch (cause) {
    if (cause instanceof DatabaseError && cause.severity === 'ERROR') {
      await client.query('ROLLBACK').catch(() => {});
      throw new UnavailableError(`PostgreSQL cannot write: ${cause.message}; nothing was changed`, { cause });
    }
    // Before the commit was sent, a connection that is lost takes the transaction with it.
    const message = cause instanceof Error ? cause.message : String(cause);
    void client.end().catch(() => {});
    if (!isEnding) throw new UnavailableError(`the connection to PostgreSQL was lost (${message}); nothing was changed`, { cause });
    throw new UnknownOutcomeError(`the connection to PostgreSQL was lost (${message}) and the write may or may not be done; look before you retry`, { cause });
  }
}
