import type { DatabaseSync } from 'node:sqlite';
import {
  type Clock,
  ClosedError,
  checkName,
  createChangeFeed,
  type EncodedValue,
  encodeValue,
  type Journal,
  type JournalRecord,
  refuseStaleStream,
  UnavailableError,
} from '@meshwork/core';
import type { GroupCommit, Participant } from './group-commit.ts';
import { cutBlock, packBlock, unpackBlock } from './record-block.ts';
import { LAST_OFFSET, LAST_STREAM, OFFSET_BITS } from './schema.ts';

/** Records read at once. */
const PAGE = 500;
/** What one row holds at most, unless a single record is larger: a reader takes a row as a whole. */
const BLOCK_RECORDS = 500;
const BLOCK_BYTES = 65_536;
/** Streams whose ends are kept in memory. */
const KNOWN_STREAMS = 10_000;

/** A stream's end, as of this transaction. */
interface Stream {
  readonly id: number;
  head: number;
}

interface Row {
  readonly last: number;
  readonly count: number;
  readonly time: number;
  readonly block: Uint8Array;
}

export interface SqliteJournalOptions {
  readonly database: DatabaseSync;
  /** Read late: the transactions know this journal, and it them. */
  readonly commits: () => GroupCommit;
  readonly clock: Clock;
  /** Told of about how many bytes a write adds. */
  readonly onWrite: (bytes: number) => void;
}

/**
 * The journal port on an open database. The records that one transaction appends to a stream go into one row, written at its end. What is
 * committed but not yet on disk is shown to nobody.
 */
export function createSqliteJournal({ database, commits, clock, onWrite }: SqliteJournalOptions): Journal & Participant {
  const key = (offset: string) => `(:stream << ${OFFSET_BITS} | ${offset})`;
  const find = database.prepare(`
    SELECT id, max(head, coalesce((SELECT record.id & ${LAST_OFFSET} FROM record
      WHERE record.id BETWEEN stream.id << ${OFFSET_BITS} AND (stream.id << ${OFFSET_BITS} | ${LAST_OFFSET}) ORDER BY record.id DESC LIMIT 1), 0)) AS head
    FROM stream WHERE name = ?`);
  const lastId = database.prepare('SELECT coalesce(max(id), 0) AS id FROM stream');
  const create = database.prepare('INSERT INTO stream (id, name, head) VALUES (?, ?, 0)');
  const keepHead = database.prepare('UPDATE stream SET head = ? WHERE id = ?');
  const names = database.prepare(`SELECT name FROM stream WHERE name >= max(:prefix, :after) AND +name > :after ORDER BY name LIMIT ${PAGE}`);
  const insert = database.prepare(`INSERT INTO record (id, count, time, block) VALUES (${key(':last')}, :count, :time, :block)`);
  const rows = database.prepare(
    `SELECT id & ${LAST_OFFSET} AS last, count, time, block FROM record WHERE id BETWEEN ${key(':from')} AND ${key(String(LAST_OFFSET))} ORDER BY id`,
  );
  const drop = database.prepare(`DELETE FROM record WHERE id BETWEEN ${key('0')} AND ${key(':last')}`);
  const replace = database.prepare(`UPDATE record SET count = :count, block = :block WHERE id = ${key(':last')}`);
  const feed = createChangeFeed();
  const known = new Map<string, Stream>();
  /** Records that wait for the end of the transaction. */
  const pending = new Map<Stream, EncodedValue[]>();
  /** Where streams ended before what is not yet on disk. */
  const durableHeads = new Map<string, number>();
  let closed = false;

  const enter = (name: string) => {
    if (closed) throw new ClosedError('the store is closed');
    checkName('stream', name);
  };
  const streamAt = (name: string): Stream | undefined => {
    let stream = known.get(name);
    if (stream === undefined) {
      const row = find.get(name) as Stream | undefined;
      if (row === undefined) return undefined;
      stream = { id: row.id, head: row.head };
      known.set(name, stream);
    }
    return stream;
  };
  const createStream = (name: string): Stream => {
    const id = Number(lastId.get()?.id) + 1;
    if (id > LAST_STREAM) throw new UnavailableError(`the store holds ${LAST_STREAM} streams and takes no more`);
    create.run(id, name);
    const stream = { id, head: 0 };
    known.set(name, stream);
    return stream;
  };
  const durableHead = (name: string): number => durableHeads.get(name) ?? streamAt(name)?.head ?? 0;
  const readPage = (name: string, from: number, limit: number): JournalRecord[] => {
    enter(name);
    const stream = streamAt(name);
    const head = durableHead(name);
    const records: JournalRecord[] = [];
    if (stream === undefined || !(from <= head)) return records;
    const next = Math.max(1, Math.ceil(from));
    for (const row of rows.iterate({ stream: stream.id, from: next })) {
      const { last, count, time, block } = row as unknown as Row;
      const first = last - count + 1;
      let offset = Math.max(first, next);
      for (const value of unpackBlock(block, count, offset - first, limit - records.length)) {
        if (offset > head) return records;
        records.push({ offset: offset++, time, value });
      }
      if (records.length >= limit) break;
    }
    return records;
  };
  const insertRecords = ({ id, head }: Stream, values: readonly EncodedValue[], time = Math.floor(clock.now())) => {
    let last = head - values.length;
    for (const part of inBlocks(values)) {
      last += part.length;
      const block = packBlock(part);
      insert.run({ stream: id, last, count: part.length, time, block });
      onWrite(block.length);
    }
  };
  const finish = () => {
    for (const [stream, values] of pending) insertRecords(stream, values);
    pending.clear();
  };

  return {
    finish,
    forget() {
      known.clear();
      pending.clear();
    },
    settled() {
      if (known.size > KNOWN_STREAMS) known.clear();
      if (durableHeads.size === 0) return;
      durableHeads.clear();
      feed.wake();
    },
    async append(name, values, { expected } = {}) {
      enter(name);
      const encoded = values.map(encodeValue);
      return commits().write(() => {
        const present = streamAt(name);
        const head = present?.head ?? 0;
        refuseStaleStream(name, head, expected);
        if (encoded.length === 0) return [];
        const stream = present ?? createStream(name);
        if (!durableHeads.has(name)) durableHeads.set(name, head);
        const waiting = pending.get(stream);
        if (waiting === undefined) pending.set(stream, [...encoded]);
        else for (const value of encoded) waiting.push(value);
        stream.head += encoded.length;
        return encoded.map((_, index) => head + 1 + index);
      });
    },
    async appendPast(name, records, { expected }) {
      enter(name);
      const encoded = records.map(({ time, value }) => ({ time: Math.floor(time), value: encodeValue(value) }));
      return commits().write(() => {
        // What this transaction has appended before comes first.
        finish();
        const present = streamAt(name);
        const head = present?.head ?? 0;
        refuseStaleStream(name, head, expected);
        if (encoded.length === 0) return [];
        const stream = present ?? createStream(name);
        if (!durableHeads.has(name)) durableHeads.set(name, head);
        for (const { time, values } of ofOneTime(encoded)) {
          stream.head += values.length;
          insertRecords(stream, values, time);
        }
        return encoded.map((_, index) => head + 1 + index);
      });
    },
    async *read(name, { from = 1, limit = Number.POSITIVE_INFINITY } = {}) {
      let next = from;
      let left = limit;
      while (left > 0) {
        const size = Math.min(left, PAGE);
        const records = readPage(name, next, size);
        yield* records;
        if (records.length < size) return;
        left -= records.length;
        next = (records.at(-1)?.offset ?? next) + 1;
      }
    },
    follow(name, { from, signal } = {}) {
      let next = from;
      return feed.read(async () => {
        enter(name);
        next ??= durableHead(name) + 1;
        const records = readPage(name, next, PAGE);
        next = (records.at(-1)?.offset ?? next - 1) + 1;
        return records;
      }, signal);
    },
    async head(name) {
      enter(name);
      return durableHead(name);
    },
    async *streams(prefix = '') {
      for (let after = ''; ; ) {
        if (closed) throw new ClosedError('the store is closed');
        const page = names.all({ prefix, after }) as unknown as { readonly name: string }[];
        for (const { name } of page) {
          if (!name.startsWith(prefix)) return;
          if (durableHead(name) > 0) yield name;
        }
        const last = page.at(-1);
        if (last === undefined) return;
        after = last.name;
      }
    },
    async trim(name, before) {
      enter(name);
      await commits().write(() => {
        // What this transaction has appended may be among it.
        finish();
        const stream = streamAt(name);
        if (stream === undefined || !(before > 1)) return;
        const end = Math.min(Math.ceil(before), stream.head + 1);
        keepHead.run(stream.head, stream.id);
        drop.run({ stream: stream.id, last: end - 1 });
        const cut = rows.get({ stream: stream.id, from: end }) as Row | undefined;
        const dropped = cut === undefined ? 0 : end - (cut.last - cut.count + 1);
        if (cut !== undefined && dropped > 0)
          replace.run({ stream: stream.id, last: cut.last, count: cut.count - dropped, block: cutBlock(cut.block, cut.count, dropped) });
        onWrite(cut?.block.length ?? 0);
      });
    },
    async close() {
      closed = true;
      feed.close();
    },
  };
}

/** A row has one time: records in a row that share theirs. */
function* ofOneTime(records: readonly { readonly time: number; readonly value: EncodedValue }[]) {
  for (let start = 0; start < records.length; ) {
    const time = records[start]?.time ?? 0;
    let end = start;
    while (end < records.length && records[end]?.time === time) end += 1;
    yield { time, values: records.slice(start, end).map(({ value }) => value) };
    start = end;
  }
}

function* inBlocks(values: readonly EncodedValue[]): Generator<readonly EncodedValue[], void, undefined> {
  let start = 0;
  let bytes = 0;
  for (let index = 0; index < values.length; index++) {
    bytes += values[index]?.length ?? 0;
    if (index + 1 - start < BLOCK_RECORDS && bytes < BLOCK_BYTES) continue;
    yield values.slice(start, index + 1);
    start = index + 1;
    bytes = 0;
  }
  if (start < values.length) yield start === 0 ? values : values.slice(start);
}
