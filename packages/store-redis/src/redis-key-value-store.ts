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
import { fromContent, parseEntry, toContent } from './encoding.ts';
import { firstAfter, lastBefore } from './key-range.ts';
import type { Parts } from './parts.ts';
import { listScript, watchScript } from './read-scripts.ts';
import { DELETE, DELETED, LAST_REVISION, PUT } from './write-script.ts';

const PAGE = 500;

type ChangeReply = readonly [revision: number, key: Buffer, kind: Buffer, value: Buffer];
type WatchReply = readonly [head: number, dropped: number, position: number, page: readonly ChangeReply[]];

/** The key-value port, and what the store calls on it. */
export interface RedisKeyValueStore extends KeyValueStore {
  /** There may be more to read. */
  wake(): void;
}

export function createRedisKeyValueStore({ keys, writer, reader, now }: Parts): RedisKeyValueStore {
  const [meta, values, names, expiries, changes] = keys.common;
  const feed = createChangeFeed();
  let closed = false;

  const enter = (key?: string) => {
    if (closed) throw new ClosedError('the store is closed');
    if (key !== undefined) checkName('key', key);
  };
  const time = async (): Promise<number> => {
    const mine = now();
    if (mine !== undefined) return mine;
    const [seconds, micros] = (await reader.read('TIME')) as readonly Buffer[];
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  };
  const lastRevision = async () => (await writer.write({ op: LAST_REVISION, name: '', values: [], size: 0 })).at;
  /** So that watchers hear of what has expired: an empty batch takes it out. What fails is tried again at the next turn. */
  const sweep = async (): Promise<void> => {
    if (closed) return;
    const [, due] = (await reader.read('ZRANGE', expiries, '0', '0', 'WITHSCORES')) as readonly Buffer[];
    if (due === undefined || Number(due) > (await time())) return;
    await lastRevision();
    await sweep();
  };
  const sweeper = setInterval(() => void sweep().catch(() => {}), 1_000).unref();

  return {
    wake: feed.wake,
    async get(key) {
      enter(key);
      const found = (await reader.read('HGET', values, key)) as Buffer | null;
      if (found === null) return undefined;
      const { value, revision, expires } = parseEntry(found);
      if (expires === undefined) return { key, value, revision };
      const ttlMs = expires - (await time());
      return ttlMs <= 0 ? undefined : { key, value, revision, ttlMs };
    },
    async put(key, value, { expected, ttlMs } = {}) {
      enter(key);
      if (ttlMs !== undefined) checkTtl(ttlMs);
      const content = toContent(value);
      const { refused, at } = await writer.write({
        op: PUT,
        name: key,
        expected,
        values: [ttlMs === undefined ? '' : String(ttlMs), content.kind, content.value],
        size: key.length + content.value.length,
      });
      if (refused) refuseStaleKey(key, at, expected);
      return { revision: at };
    },
    async delete(key, { expected } = {}) {
      enter(key);
      const { refused, at } = await writer.write({ op: DELETE, name: key, expected, values: [], size: key.length });
      if (refused) refuseStaleKey(key, at, expected);
      return at !== 0;
    },
    async *list(prefix, { limit = Number.POSITIVE_INFINITY, after = '' } = {}): AsyncIterable<KeyValueEntry> {
      let last = after;
      for (let left = limit; left > 0; ) {
        enter();
        const range = [firstAfter(prefix, last), lastBefore(prefix), String(Math.min(left, PAGE))];
        const page = (await reader.run(listScript, [names, values], range)) as readonly Buffer[];
        if (page.length === 0) return;
        const atPage = await time();
        for (let index = 0; index + 1 < page.length; index += 2) {
          last = String(page[index]);
          const { value, revision, expires } = parseEntry(page[index + 1] as Buffer);
          if (expires !== undefined && expires <= atPage) continue;
          left -= 1;
          yield { key: last, value, revision, ...(expires !== undefined && { ttlMs: expires - atPage }) };
        }
      }
    },
    watch(prefix, { from, signal } = {}) {
      let position = from;
      let seen = 0;
      const next = async (): Promise<readonly KeyValueChange[]> => {
        // In the queue of the writes, so that whatever is written from now on is seen.
        position ??= await lastRevision();
        for (;;) {
          const reply = (await reader.run(watchScript, [meta, changes], [position.toFixed(0), prefix, String(PAGE)])) as WatchReply;
          const [head, dropped, upTo, page] = reply;
          if (head < seen)
            throw new HistoryDroppedError(`Redis has lost changes: it was at revision ${seen}, now at ${head}; list the keys, then watch from there`);
          if (position < dropped)
            throw new HistoryDroppedError(
              `changes after revision ${position} are no longer all kept, or were lost by Redis; list the keys, then watch from there`,
            );
          seen = head;
          position = upTo;
          if (page.length > 0 || position >= head) return page.map(toChange);
        }
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

function toChange([revision, name, kind, value]: ChangeReply): KeyValueChange {
  const key = name.toString();
  return kind.toString() === DELETED ? { type: 'delete', key, revision } : { type: 'put', key, value: fromContent(kind.toString(), value), revision };
}
