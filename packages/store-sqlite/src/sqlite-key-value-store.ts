import type { DatabaseSync } from 'node:sqlite';
import {
  type Clock,
  ClosedError,
  ConflictError,
  checkName,
  createChangeFeed,
  HistoryDroppedError,
  type KeyValueChange,
  type KeyValueEntry,
  type KeyValueStore,
} from '@meshwork/core';
import { DELETED, decode, encode } from './encoding.ts';
import type { GroupCommit } from './group-commit.ts';

const PAGE = 500;
/** Changes kept for watchers that come back. */
const HISTORY = 10_000;

interface Row {
  readonly key: string;
  readonly kind: number;
  readonly value: Uint8Array;
  readonly revision: number;
}

/** The key-value port on an open database. `wake` is called after every commit. */
export function createSqliteKeyValueStore(database: DatabaseSync, commits: GroupCommit, clock: Clock): KeyValueStore & { wake(): void } {
  const prepare = (sql: string) => database.prepare(sql);
  const read = prepare('SELECT key, kind, value, revision FROM entry WHERE key = ? AND (expires IS NULL OR expires > ?)');
  const page = prepare('SELECT key, kind, value, revision FROM entry WHERE key > ? AND key >= ? AND (expires IS NULL OR expires > ?) ORDER BY key LIMIT ?');
  const upsert = prepare('INSERT OR REPLACE INTO entry (key, kind, value, revision, expires) VALUES (?, ?, ?, ?, ?)');
  const remove = prepare('DELETE FROM entry WHERE key = ?');
  const expired = prepare('SELECT key FROM entry WHERE expires <= ? LIMIT 1000');
  const log = prepare('INSERT INTO change (revision, key, kind, value) VALUES (?, ?, ?, ?)');
  const changes = prepare('SELECT revision, key, kind, value FROM change WHERE revision > ? ORDER BY revision LIMIT ?');
  const trim = prepare('DELETE FROM change WHERE revision <= ?');
  const setCounter = prepare('UPDATE counter SET value = ? WHERE name = ?');
  const counter = (name: string) => Number(prepare('SELECT value FROM counter WHERE name = ?').get(name)?.value);
  let revision = counter('revision');
  let dropped = counter('dropped');
  const feed = createChangeFeed();
  let closed = false;

  const enter = (key?: string) => {
    if (closed) throw new ClosedError('the store is closed');
    if (key !== undefined) checkName('key', key);
  };
  const entryAt = (key: string) => read.get(key, clock.now()) as Row | undefined;
  const refuseStale = (key: string, present: number, expected: number | undefined) => {
    if (expected !== undefined && expected !== present)
      throw new ConflictError(`the key ${JSON.stringify(key)} is at revision ${present}, not ${expected}; read it again and retry`, {
        details: { key, expected, present },
      });
  };
  const change = (key: string, kind: number, value: Uint8Array | null): number => {
    revision = counterNow() + 1;
    log.run(revision, key, kind, value);
    setCounter.run(revision, 'revision');
    if (revision - dropped > HISTORY * 2) {
      dropped = revision - HISTORY;
      trim.run(dropped);
      setCounter.run(dropped, 'dropped');
    }
    return revision;
  };
  const readCounter = prepare("SELECT value FROM counter WHERE name = 'revision'");
  // Read inside the transaction: one that was rolled back leaves the number in memory too high.
  const counterNow = () => Number(readCounter.get()?.value);
  const expire = () => {
    for (const { key } of expired.all(clock.now()) as unknown as { key: string }[]) {
      remove.run(key);
      change(key, DELETED, null);
    }
  };
  const hasExpired = () => expired.get(clock.now()) !== undefined;
  const sweep = () => {
    if (!closed && hasExpired()) void commits.write(expire).catch(() => {});
  };
  const sweeper = setInterval(sweep, 1_000).unref();

  return {
    wake: feed.wake,
    async get(key) {
      enter(key);
      const row = entryAt(key);
      return row && { key, value: decode(row.kind, row.value), revision: row.revision };
    },
    async put(key, value, { expected, ttlMs } = {}) {
      enter(key);
      const { kind, bytes } = encode(value);
      return commits.write(() => {
        if (expected !== undefined) refuseStale(key, entryAt(key)?.revision ?? 0, expected);
        const next = change(key, kind, bytes);
        upsert.run(key, kind, bytes, next, ttlMs === undefined ? null : Math.ceil(clock.now() + ttlMs));
        return { revision: next };
      });
    },
    async delete(key, { expected } = {}) {
      enter(key);
      return commits.write(() => {
        const present = entryAt(key);
        refuseStale(key, present?.revision ?? 0, expected);
        if (present === undefined) return false;
        remove.run(key);
        change(key, DELETED, null);
        return true;
      });
    },
    async *list(prefix, { limit = Number.POSITIVE_INFINITY, after = '' } = {}) {
      let last = after;
      let left = limit;
      while (left > 0) {
        enter();
        const size = Math.min(left, PAGE);
        const rows = page.all(last, prefix, clock.now(), size) as unknown as Row[];
        for (const { key, kind, value, revision: at } of rows) {
          if (!key.startsWith(prefix)) return;
          yield { key, value: decode(kind, value), revision: at } satisfies KeyValueEntry;
        }
        left -= rows.length;
        if (rows.length < size) return;
        last = rows.at(-1)?.key ?? last;
      }
    },
    watch(prefix, { from, signal } = {}) {
      let position = from;
      return feed.read(async () => {
        enter();
        if (hasExpired()) await commits.write(expire);
        position ??= counterNow();
        for (;;) {
          if (position < dropped)
            throw new HistoryDroppedError(`changes after revision ${position} are no longer all kept; list the keys, then watch from there`);
          const rows = changes.all(position, PAGE) as unknown as Row[];
          position = rows.at(-1)?.revision ?? position;
          const wanted = rows.filter(({ key }) => key.startsWith(prefix)).map(toChange);
          if (wanted.length > 0 || rows.length < PAGE) return wanted;
        }
      }, signal);
    },
    async close() {
      closed = true;
      clearInterval(sweeper);
      feed.close();
    },
  };
}

function toChange({ key, kind, value, revision }: Row): KeyValueChange {
  return kind === DELETED ? { type: 'delete', key, revision } : { type: 'put', key, value: decode(kind, value), revision };
}
