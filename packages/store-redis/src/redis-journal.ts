import { ClosedError, checkName, createChangeFeed, HistoryDroppedError, type Journal, type JournalRecord, patiently, refuseStaleStream } from '@meshwork/core';
import { fromContent, toContent } from './encoding.ts';
import { firstAfter, lastBefore } from './key-range.ts';
import type { Parts } from './parts.ts';
import { readScript } from './read-scripts.ts';
import { APPEND, APPEND_PAST, HEAD, TRIM } from './write-script.ts';

const PAGE = 500;

type RecordReply = readonly [offset: number, time: Buffer, kind: Buffer, value: Buffer];

/** The journal port, and what the store calls on it. */
export interface RedisJournal extends Journal {
  /** There may be more to read. */
  wake(): void;
}

export function createRedisJournal({ keys, writer, reader }: Parts): RedisJournal {
  const [, , , , , heads, streams] = keys.common;
  const feed = createChangeFeed();
  let closed = false;

  const enter = (stream: string) => {
    if (closed) throw new ClosedError('the store is closed');
    checkName('stream', stream);
  };
  const page = async (
    stream: string,
    from: number,
    limit: number,
    last?: JournalRecord,
  ): Promise<{ readonly head: number; readonly records: readonly JournalRecord[] }> => {
    const range = [stream, Math.max(1, Math.ceil(from)).toFixed(0), String(limit), ...(last === undefined ? [] : [String(last.offset), String(last.time)])];
    const [head, found] = (await reader.run(readScript, [heads, keys.stream(stream)], range)) as [number, readonly RecordReply[]];
    const records = found.map(([offset, time, kind, value]) => ({ offset, time: Number(time), value: fromContent(kind.toString(), value) }));
    return { head, records };
  };

  return {
    wake: feed.wake,
    async append(stream, records, { expected } = {}) {
      enter(stream);
      const contents = records.map(toContent);
      const values: (string | Buffer)[] = [String(contents.length)];
      let size = 0;
      for (const { kind, value } of contents) {
        values.push(kind, value);
        size += value.length;
      }
      const { refused, at } = await writer.write({ op: APPEND, name: stream, expected, stream: keys.stream(stream), values, size });
      if (refused) refuseStaleStream(stream, at, expected);
      return contents.map((_, index) => at + index);
    },
    async appendPast(stream, records, { expected }) {
      enter(stream);
      const values: (string | Buffer)[] = [String(records.length)];
      let size = 0;
      for (const record of records) {
        const { kind, value } = toContent(record.value);
        values.push(Math.floor(record.time).toFixed(0), kind, value);
        size += value.length;
      }
      const { refused, at } = await writer.write({ op: APPEND_PAST, name: stream, expected, stream: keys.stream(stream), values, size });
      if (refused) refuseStaleStream(stream, at, expected);
      return records.map((_, index) => at + index);
    },
    async *read(stream, { from = 1, limit = Number.POSITIVE_INFINITY } = {}) {
      let next = from;
      for (let left = limit; left > 0; ) {
        enter(stream);
        const { records } = await page(stream, next, Math.min(left, PAGE));
        yield* records;
        next = (records.at(-1)?.offset ?? next) + 1;
        left = records.length === 0 ? 0 : left - records.length;
      }
    },
    follow(stream, { from, signal } = {}) {
      let position = from;
      let seen = 0;
      let last: JournalRecord | undefined;
      const next = async () => {
        checkName('stream', stream);
        // In the queue of the writes, so that whatever is appended from now on is seen.
        position ??= (await writer.write({ op: HEAD, name: stream, values: [], size: 0 })).at + 1;
        const { head, records } = await page(stream, position, PAGE, last);
        if (head < seen)
          throw new HistoryDroppedError(`Redis has lost records of ${JSON.stringify(stream)}: some that were read up to ${seen} are gone; read it anew`);
        seen = head;
        last = records.at(-1) ?? last;
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
      return Number((await reader.read('HGET', heads, stream)) ?? 0);
    },
    async *streams(prefix = '') {
      for (let last = ''; ; ) {
        if (closed) throw new ClosedError('the store is closed');
        const range = [firstAfter(prefix, last), lastBefore(prefix), 'BYLEX', 'LIMIT', '0', String(PAGE)];
        const names = ((await reader.read('ZRANGE', streams, ...range)) as readonly Buffer[]).map(String);
        yield* names;
        if (names.length < PAGE) return;
        last = names.at(-1) ?? last;
      }
    },
    async trim(stream, before) {
      enter(stream);
      if (before > 1) await writer.write({ op: TRIM, name: stream, expected: Math.ceil(before), stream: keys.stream(stream), values: [], size: 0 });
    },
    async close() {
      closed = true;
      feed.close();
    },
  };
}
