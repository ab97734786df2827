import type { DatabaseSync } from 'node:sqlite';
import { type Clock, ClosedError, ConflictError, checkName, createChangeFeed, type Journal, type JournalRecord } from '@meshwork/core';
import { decode, encode } from './encoding.ts';
import type { GroupCommit } from './group-commit.ts';

const PAGE = 500;

interface StreamRow {
  readonly id: number;
  readonly head: number;
}

interface RecordRow {
  readonly offset: number;
  readonly time: number;
  readonly kind: number;
  readonly value: Uint8Array;
}

/** The journal port on an open database. `wake` is called after every commit. */
export function createSqliteJournal(database: DatabaseSync, commits: GroupCommit, clock: Clock): Journal & { wake(): void } {
  const find = database.prepare('SELECT id, head FROM stream WHERE name = ?');
  const create = database.prepare('INSERT INTO stream (name, id, head) VALUES (?, (SELECT coalesce(max(id), 0) + 1 FROM stream), 0)');
  const advance = database.prepare('UPDATE stream SET head = ? WHERE id = ?');
  const insert = database.prepare('INSERT INTO record (stream, offset, time, kind, value) VALUES (?, ?, ?, ?, ?)');
  const page = database.prepare('SELECT offset, time, kind, value FROM record WHERE stream = ? AND offset >= ? ORDER BY offset LIMIT ?');
  const drop = database.prepare('DELETE FROM record WHERE stream = ? AND offset < ?');
  const feed = createChangeFeed();
  let closed = false;

  const enter = (stream: string): StreamRow | undefined => {
    if (closed) throw new ClosedError('the store is closed');
    checkName('stream', stream);
    return find.get(stream) as StreamRow | undefined;
  };
  const readPage = (stream: string, from: number, limit: number): JournalRecord[] => {
    const row = enter(stream);
    if (row === undefined) return [];
    return (page.all(row.id, from, limit) as unknown as RecordRow[]).map(({ offset, time, kind, value }) => ({ offset, time, value: decode(kind, value) }));
  };

  return {
    wake: feed.wake,
    async append(stream, values, { expected } = {}) {
      enter(stream);
      const encoded = values.map(encode);
      return commits.write(() => {
        let row = find.get(stream) as StreamRow | undefined;
        const head = row?.head ?? 0;
        if (expected !== undefined && expected !== head)
          throw new ConflictError(`the stream ${JSON.stringify(stream)} is at offset ${head}, not ${expected}; read on and retry`, {
            details: { stream, expected, present: head },
          });
        if (encoded.length === 0) return [];
        if (row === undefined) {
          create.run(stream);
          row = find.get(stream) as unknown as StreamRow;
        }
        const { id } = row;
        const time = clock.now();
        const offsets = encoded.map(({ kind, bytes }, index) => {
          const offset = head + 1 + index;
          insert.run(id, offset, time, kind, bytes);
          return offset;
        });
        advance.run(head + encoded.length, id);
        return offsets;
      });
    },
    async *read(stream, { from = 1, limit = Number.POSITIVE_INFINITY } = {}) {
      let next = from;
      let left = limit;
      while (left > 0) {
        const size = Math.min(left, PAGE);
        const records = readPage(stream, next, size);
        yield* records;
        if (records.length < size) return;
        left -= records.length;
        next = (records.at(-1)?.offset ?? next) + 1;
      }
    },
    follow(stream, { from, signal } = {}) {
      let next = from;
      return feed.read(async () => {
        next ??= (enter(stream)?.head ?? 0) + 1;
        const records = readPage(stream, next, PAGE);
        next = (records.at(-1)?.offset ?? next - 1) + 1;
        return records;
      }, signal);
    },
    async head(stream) {
      return enter(stream)?.head ?? 0;
    },
    async trim(stream, before) {
      enter(stream);
      await commits.write(() => {
        const row = find.get(stream) as StreamRow | undefined;
        if (row !== undefined) drop.run(row.id, before);
      });
    },
    async close() {
      closed = true;
      feed.close();
    },
  };
}
