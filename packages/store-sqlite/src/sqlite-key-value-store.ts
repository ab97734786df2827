import type { DatabaseSync } from 'node:sqlite';
import {
  type Clock,
  ClosedError,
  checkName,
  checkTtl,
  createChangeFeed,
  encodeValue,
  HistoryDroppedError,
  type KeyValueChange,
  type KeyValueEntry,
  type KeyValueStore,
  refuseStaleKey,
} from '@meshwork/core';
import { DELETED, decode, toRow } from './encoding.ts';
import type { GroupCommit, Participant } from './group-commit.ts';

const PAGE = 500;
/** Changes kept for watchers that come back. */
const HISTORY = 10_000;
/** Older changes are dropped so many at once. */
const DROP = 500;
/** Expired keys taken out in one transaction: few enough not to be felt by the writes beside it. */
const SWEEP = 500;

interface Row {
  readonly key: string;
  readonly kind: number;
  readonly value: Uint8Array;
  readonly revision: number;
}

interface EntryRow extends Row {
  readonly expires: number | null;
}

export interface SqliteKeyValueStoreOptions {
  readonly database: DatabaseSync;
  /** Read late: the transactions know this store, and it them. */
  readonly commits: () => GroupCommit;
  readonly clock: Clock;
  /** Told of about how many bytes a write adds. */
  readonly onWrite: (bytes: number) => void;
}

/** The key-value port on an open database. What is committed but not yet on disk is shown to nobody: whoever asks for it waits. */
export function createSqliteKeyValueStore({ database, commits, clock, onWrite }: SqliteKeyValueStoreOptions): KeyValueStore & Participant {
  const prepare = (sql: string) => database.prepare(sql);
  const read = prepare('SELECT key, kind, value, revision, expires FROM entry WHERE key = ? AND (expires IS NULL OR expires > ?)');
  const slot = prepare('SELECT revision, expires FROM entry WHERE key = ?');
  // The plus keeps the index for the larger of the two bounds: SQLite would search by one of them and filter by the other.
  const page = prepare(
    'SELECT key, kind, value, revision, expires FROM entry WHERE key >= max(:prefix, :after) AND +key > :after AND (expires IS NULL OR expires > :now) ORDER BY key LIMIT :limit',
  );
  const upsert = prepare('INSERT OR REPLACE INTO entry (key, kind, value, revision, expires) VALUES (?, ?, ?, ?, ?)');
  const remove = prepare('DELETE FROM entry WHERE key = ?');
  const expired = prepare(`SELECT key FROM entry WHERE expires <= ? LIMIT ${SWEEP}`);
  const log = prepare('INSERT INTO change (revision, key, kind, value) VALUES (?, ?, ?, ?)');
  const changes = prepare('SELECT revision, key, kind, value FROM change WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT ?');
  const trim = prepare('DELETE FROM change WHERE revision <= ?');
  const readCounters = prepare(
    'SELECT coalesce((SELECT max(revision) FROM change), 0) AS revision, coalesce((SELECT min(revision) - 1 FROM change), 0) AS dropped',
  );
  const feed = createChangeFeed();
  let known: { revision: number; dropped: number } | undefined;
  /** Keys whose last change is not yet on disk, and the last revision that is. */
  const unsettled = new Set<string>();
  let durableRevision: number | undefined;
  let closed = false;

  const enter = (key?: string) => {
    if (closed) throw new ClosedError('the store is closed');
    if (key !== undefined) checkName('key', key);
  };
  /** The counters, as of this transaction. */
  const counters = () => {
    known ??= { ...(readCounters.get() as unknown as { revision: number; dropped: number }) };
    return known;
  };
  /** The key's revision: 0 when there is none, or when it has expired and nobody has taken it out yet. */
  const slotAt = (key: string) => {
    const row = slot.get(key) as { revision: number; expires: number | null } | undefined;
    const isExpired = row !== undefined && row.expires !== null && row.expires <= clock.now();
    return { revision: isExpired ? 0 : (row?.revision ?? 0), isExpired };
  };
  const change = (key: string, kind: number, value: Uint8Array | null): number => {
    const now = counters();
    durableRevision ??= now.revision;
    unsettled.add(key);
    now.revision += 1;
    log.run(now.revision, key, kind, value);
    if (now.revision - now.dropped >= HISTORY + DROP) {
      now.dropped = now.revision - HISTORY;
      trim.run(now.dropped);
    }
    // The value is in the entry and in the log.
    onWrite(2 * (value?.length ?? 0));
    return now.revision;
  };
  const takeOut = (key: string) => {
    remove.run(key);
    change(key, DELETED, null);
  };
  const hasExpired = () => expired.get(clock.now()) !== undefined;
  const expire = () => {
    for (const { key } of expired.all(clock.now()) as unknown as { key: string }[]) takeOut(key);
  };
  let sweeping = false;
  /** Until nothing is left, in transactions that leave room for others. What fails is tried again at the next turn. */
  const sweep = async () => {
    if (sweeping) return;
    sweeping = true;
    try {
      while (!closed && hasExpired()) await commits().write(expire);
    } catch {
      // Nobody waits for a sweep, and whoever writes learns what is wrong with the store.
    } finally {
      sweeping = false;
    }
  };
  const sweeper = setInterval(() => void sweep(), 1_000).unref();

  return {
    finish() {},
    forget() {
      known = undefined;
    },
    settled() {
      // Most commits are of the journal alone. A watcher that is woken asks the database, and whoever wrote would wait for that.
      if (unsettled.size === 0) return;
      unsettled.clear();
      durableRevision = undefined;
      feed.wake();
    },
    async get(key) {
      enter(key);
      while (unsettled.has(key)) {
        await commits().durable();
        enter();
      }
      const row = read.get(key, clock.now()) as EntryRow | undefined;
      return row && toEntry(row);
    },
    async put(key, value, { expected, ttlMs } = {}) {
      enter(key);
      if (ttlMs !== undefined) checkTtl(ttlMs);
      const { kind, bytes } = toRow(encodeValue(value));
      return commits().write(() => {
        const { revision, isExpired } = slotAt(key);
        refuseStaleKey(key, revision, expected);
        if (isExpired) takeOut(key);
        const next = change(key, kind, bytes);
        upsert.run(key, kind, bytes, next, ttlMs === undefined ? null : Math.ceil(clock.now() + ttlMs));
        return { revision: next };
      });
    },
    async delete(key, { expected } = {}) {
      enter(key);
      return commits().write(() => {
        const { revision } = slotAt(key);
        refuseStaleKey(key, revision, expected);
        if (revision === 0) return false;
        takeOut(key);
        return true;
      });
    },
    async *list(prefix, { limit = Number.POSITIVE_INFINITY, after = '' } = {}) {
      let last = after;
      let left = limit;
      while (left > 0) {
        enter();
        while (unsettled.size > 0) {
          await commits().durable();
          enter();
        }
        const size = Math.min(left, PAGE);
        const rows = readPage(prefix, last, size);
        yield* rows;
        left -= rows.length;
        if (rows.length < size) return;
        last = rows.at(-1)?.key ?? last;
      }
    },
    watch(prefix, { from, signal } = {}) {
      let position = from;
      return feed.read(async () => {
        enter();
        const end = durableRevision ?? counters().revision;
        position ??= end;
        // Its commit wakes this watcher. Nothing is waited for here, so that no change is missed meanwhile.
        void sweep();
        for (;;) {
          if (position < counters().dropped)
            throw new HistoryDroppedError(`changes after revision ${position} are no longer all kept; list the keys, then watch from there`);
          const rows = changes.all(position, end, PAGE) as unknown as Row[];
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

  function toEntry({ key, kind, value, revision, expires }: EntryRow): KeyValueEntry {
    const entry = { key, value: decode(kind, value), revision };
    return expires === null ? entry : { ...entry, ttlMs: Math.max(1, Math.ceil(expires - clock.now())) };
  }

  /** Reads no row beyond the prefix but one. */
  function readPage(prefix: string, after: string, limit: number): KeyValueEntry[] {
    const entries: KeyValueEntry[] = [];
    for (const row of page.iterate({ prefix, after, now: clock.now(), limit })) {
      const entry = row as unknown as EntryRow;
      if (!entry.key.startsWith(prefix)) break;
      entries.push(toEntry(entry));
    }
    return entries;
  }
}

function toChange({ key, kind, value, revision }: Row): KeyValueChange {
  return kind === DELETED ? { type: 'delete', key, revision } : { type: 'put', key, value: decode(kind, value), revision };
}
