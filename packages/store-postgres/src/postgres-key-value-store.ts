import {
  ClosedError,
  checkName,
  checkTtl,
  createChangeFeed,
  HistoryDroppedError,
  type KeyValueChange,
  type KeyValueEntry,
  type KeyValueStore,
  patiently,
  refuseStaleKey,
} from '@meshwork/core';
import { afterPrefix } from './after-prefix.ts';
import type { Parts } from './parts.ts';
import { fromRowValue, type RowValue, toRowValue } from './row-value.ts';
import { DELETE, DELETED, LAST_REVISION, PUT } from './write-function.ts';

const PAGE = 500;
/** A page ends early at about so many bytes, however large the values. */
const PAGE_BYTES = 4_000_000;

interface EntryRow extends RowValue {
  readonly key: Buffer;
  readonly revision: number;
  /** Null when it does not expire. */
  readonly ttl: number | null;
}

interface ChangeRow {
  readonly head: number;
  readonly dropped: number;
  readonly revision: number | null;
  readonly key: Buffer;
  readonly kind: number;
  readonly value: Buffer;
}

/** The key-value port, and what the store calls on it. */
export interface PostgresKeyValueStore extends KeyValueStore {
  /** There may be more to read. */
  wake(): void;
}

export function createPostgresKeyValueStore({ schema, writer, reader, now }: Parts): PostgresKeyValueStore {
  const clock = 'coalesce($1::bigint, floor(extract(epoch FROM clock_timestamp()) * 1000))';
  const alive = `(expires IS NULL OR expires > ${clock})`;
  const left = `CASE WHEN expires IS NOT NULL THEN greatest(1, expires - ${clock})::bigint END AS ttl`;
  const getText = `SELECT kind, value, revision, ${left} FROM ${schema}.entry WHERE key = $2 AND ${alive}`;
  const listText = `SELECT key, kind, value, revision, ttl FROM (
    SELECT *, sum(octet_length(value)) OVER (ORDER BY key) - octet_length(value) AS before FROM (
      SELECT key, kind, value, revision, ${left} FROM ${schema}.entry WHERE key >= $2 AND key > $3 AND ($4::bytea IS NULL OR key < $4) AND ${alive} ORDER BY key LIMIT $5
    ) AS found
  ) AS page WHERE before < ${PAGE_BYTES} ORDER BY key`;
  const watchText = `SELECT state.revision AS head, state.dropped, page.revision, page.key, page.kind, page.value FROM ${schema}.state LEFT JOIN LATERAL (
    SELECT *, sum(coalesce(octet_length(value), 0)) OVER (ORDER BY revision) - coalesce(octet_length(value), 0) AS before FROM (
      SELECT revision, key, kind, value FROM ${schema}.change WHERE revision > $1 AND key >= $2 AND ($3::bytea IS NULL OR key < $3) ORDER BY revision LIMIT ${PAGE}
    ) AS found
  ) AS page ON before < ${PAGE_BYTES} ORDER BY page.revision`;
  const dueText = `SELECT 1 FROM ${schema}.entry WHERE expires <= ${clock} LIMIT 1`;
  const feed = createChangeFeed();
  let closed = false;

  const enter = (key?: string) => {
    if (closed) throw new ClosedError('the store is closed');
    if (key !== undefined) checkName('key', key);
  };
  const time = () => now() ?? null;
  /** So that watchers hear of what has expired: an empty batch takes it out. What fails is tried again at the next turn. */
  const sweep = async () => {
    if (closed || (await reader.read('due', dueText, [time()])).length === 0) return;
    await writer.write({ op: LAST_REVISION, name: new Uint8Array() });
    await sweep();
  };
  const sweeper = setInterval(() => void sweep().catch(() => {}), 1_000).unref();

  /** The changes after a position, and the position that is reached with them. */
  const changesAfter = async (prefix: string, position: number): Promise<{ readonly changes: readonly KeyValueChange[]; readonly position: number }> => {
    const rows = await reader.read<ChangeRow>('watch', watchText, [position, Buffer.from(prefix), afterPrefix(prefix)]);
    const { head = 0, dropped = 0 } = rows[0] ?? {};
    if (position < dropped) throw new HistoryDroppedError(`changes after revision ${position} are no longer all kept; list the keys, then watch from there`);
    const changes = rows.filter((row): row is ChangeRow & { revision: number } => row.revision !== null).map(toChange);
    return { changes, position: changes.at(-1)?.revision ?? Math.max(position, head) };
  };

  return {
    wake: feed.wake,
    async get(key) {
      enter(key);
      const [row] = await reader.read<EntryRow>('get', getText, [time(), Buffer.from(key)]);
      return row && toEntry(key, row);
    },
    async put(key, value, { expected, ttlMs } = {}) {
      enter(key);
      if (ttlMs !== undefined) checkTtl(ttlMs);
      const { refused, at } = await writer.write({ op: PUT, name: Buffer.from(key), expected, ttlMs, content: toRowValue(value) });
      if (refused) refuseStaleKey(key, at, expected);
      return { revision: at };
    },
    async delete(key, { expected } = {}) {
      enter(key);
      const { refused, at } = await writer.write({ op: DELETE, name: Buffer.from(key), expected });
      if (refused) refuseStaleKey(key, at, expected);
      return at !== 0;
    },
    async *list(prefix, { limit = Number.POSITIVE_INFINITY, after = '' } = {}): AsyncIterable<KeyValueEntry> {
      let last: Uint8Array = Buffer.from(after);
      for (let left = limit; left > 0; ) {
        enter();
        const rows = await reader.read<EntryRow>('list', listText, [time(), Buffer.from(prefix), last, afterPrefix(prefix), Math.min(left, PAGE)]);
        for (const row of rows) yield toEntry(row.key.toString(), row);
        last = rows.at(-1)?.key ?? last;
        left = rows.length === 0 ? 0 : left - rows.length;
      }
    },
    watch(prefix, { from, signal } = {}) {
      let position = from;
      const next = async () => {
        // In the queue of the writes, so that whatever is written from now on is seen.
        position ??= (await writer.write({ op: LAST_REVISION, name: new Uint8Array() })).at;
        const page = await changesAfter(prefix, position);
        position = page.position;
        return page.changes;
      };
      return feed.read(
        patiently(next, () => closed || signal?.aborted === true),
        signal,
      );
    },
    async close() {
      closed = true;
      clearInterval(sweeper);
      feed.close();
    },
  };
}

function toEntry(key: string, row: EntryRow): KeyValueEntry {
  const entry = { key, value: fromRowValue(row), revision: row.revision };
  return row.ttl === null ? entry : { ...entry, ttlMs: row.ttl };
}

function toChange({ revision, key, kind, value }: ChangeRow & { readonly revision: number }): KeyValueChange {
  const name = key.toString();
  return kind === DELETED ? { type: 'delete', key: name, revision } : { type: 'put', key: name, value: fromRowValue({ kind, value }), revision };
}
