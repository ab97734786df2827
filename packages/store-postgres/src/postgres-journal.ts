import { ClosedError, checkName, createChangeFeed, type Journal, type JournalRecord, patiently, refuseStaleStream } from '@meshwork/core';
import { afterPrefix } from './after-prefix.ts';
import type { createPastAppender } from './append-past.ts';
import type { Parts } from './parts.ts';
import { fromRowValue, type RowValue, toRowValue } from './row-value.ts';
import { APPEND, HEAD, TRIM } from './write-function.ts';

const PAGE = 500;
const PAGE_BYTES = 4_000_000;

interface RecordRow extends RowValue {
  readonly place: number;
  readonly time: number;
}

/** The journal port, and what the store calls on it. */
export interface PostgresJournal extends Journal {
  /** There may be more to read. */
  wake(): void;
}

export function createPostgresJournal({ schema, writer, reader }: Parts, appendPast: ReturnType<typeof createPastAppender>): PostgresJournal {
  const readText = `SELECT place, time, kind, value FROM (
    SELECT *, sum(octet_length(value)) OVER (ORDER BY place) - octet_length(value) AS before FROM (
      SELECT place, time, kind, value FROM ${schema}.record WHERE stream = (SELECT id FROM ${schema}.stream WHERE name = $1) AND place >= $2 ORDER BY place LIMIT $3
    ) AS found
  ) AS page WHERE before < ${PAGE_BYTES} ORDER BY place`;
  const headText = `SELECT head FROM ${schema}.stream WHERE name = $1`;
  const streamsText = `SELECT name FROM ${schema}.stream WHERE name > $1 AND name >= $2 AND ($3::bytea IS NULL OR name < $3) AND head > 0 ORDER BY name LIMIT ${PAGE}`;
  const feed = createChangeFeed();
  let closed = false;

  const enter = (stream: string) => {
    if (closed) throw new ClosedError('the store is closed');
    checkName('stream', stream);
  };
  const headOf = async (stream: string) => (await reader.read<{ head: number }>('stream-head', headText, [Buffer.from(stream)]))[0]?.head ?? 0;
  const page = async (stream: string, from: number, limit: number): Promise<JournalRecord[]> => {
    const rows = await reader.read<RecordRow>('read', readText, [Buffer.from(stream), Math.max(1, Math.ceil(from)), limit]);
    return rows.map((row) => ({ offset: row.place, time: row.time, value: fromRowValue(row) }));
  };

  return {
    wake: feed.wake,
    async append(stream, values, { expected } = {}) {
      enter(stream);
      const records = values.map(toRowValue);
      const { refused, at } = await writer.write({ op: APPEND, name: Buffer.from(stream), expected, records });
      if (refused) refuseStaleStream(stream, at, expected);
      return records.map((_, index) => at + index);
    },
    async appendPast(stream, records, { expected }) {
      enter(stream);
      const { refused, at } = await appendPast(stream, records, expected);
      if (refused) refuseStaleStream(stream, at, expected);
      return records.map((_, index) => at + index);
    },
    async *read(stream, { from = 1, limit = Number.POSITIVE_INFINITY } = {}) {
      let next = from;
      for (let left = limit; left > 0; ) {
        enter(stream);
        const records = await page(stream, next, Math.min(left, PAGE));
        yield* records;
        next = (records.at(-1)?.offset ?? next) + 1;
        left = records.length === 0 ? 0 : left - records.length;
      }
    },
    follow(stream, { from, signal } = {}) {
      let position = from;
      const next = async () => {
        checkName('stream', stream);
        // In the queue of the writes, so that whatever is appended from now on is seen.
        position ??= (await writer.write({ op: HEAD, name: Buffer.from(stream) })).at + 1;
        const records = await page(stream, position, PAGE);
        position = (records.at(-1)?.offset ?? position - 1) + 1;
        return records;
      };
      return feed.read(
        patiently(next, () => closed || signal?.aborted === true),
        signal,
      );
    },
    async head(stream) {
      enter(stream);
      return headOf(stream);
    },
    async *streams(prefix = '') {
      for (let last: Uint8Array | undefined = new Uint8Array(); last !== undefined; ) {
        if (closed) throw new ClosedError('the store is closed');
        const rows: readonly { readonly name: Buffer }[] = await reader.read('streams', streamsText, [last, Buffer.from(prefix), afterPrefix(prefix)]);
        for (const { name } of rows) yield name.toString();
        last = rows.at(-1)?.name;
      }
    },
    async trim(stream, before) {
      enter(stream);
      if (before > 1) await writer.write({ op: TRIM, name: Buffer.from(stream), expected: Math.ceil(before) });
    },
    async close() {
      closed = true;
      feed.close();
    },
  };
}
