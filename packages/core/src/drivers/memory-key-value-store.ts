import { type Clock, systemClock } from '../clock.ts';
import { ClosedError, HistoryDroppedError } from '../errors.ts';
import type { StoredValue } from '../journal.ts';
import type { KeyValueChange, KeyValueEntry, KeyValueStore } from '../key-value-store.ts';
import { createChangeFeed } from './change-feed.ts';
import { checkName, checkTtl, compareNames } from './check-names.ts';
import { copyValue } from './copy-value.ts';
import { createExpiryQueue } from './expiry-queue.ts';
import { refuseStaleKey } from './refuse-stale.ts';

const PAGE = 500;

export interface MemoryStoreOptions {
  /** Decides when keys expire. */
  readonly clock?: Clock;
  /** Changes kept for watchers that come back. Default 10,000. */
  readonly historySize?: number;
}

interface Held {
  readonly value: StoredValue;
  readonly revision: number;
  /** When it expires, by the clock. */
  readonly expires?: number;
}

/** A store in this process's memory: for tests, trials and hubs that may forget. */
export function createMemoryKeyValueStore({ clock = systemClock, historySize = 10_000 }: MemoryStoreOptions = {}): KeyValueStore {
  const held = new Map<string, Held>();
  const expiries = createExpiryQueue();
  const feed = createChangeFeed();
  /** Their revisions follow one another without a gap, so that a revision says where its change is. */
  let history: KeyValueChange[] = [];
  let droppedUpTo = 0;
  let revision = 0;
  let closed = false;

  const record = (change: KeyValueChange) => {
    history.push(change);
    if (history.length > historySize * 2) {
      const dropped = history.splice(0, history.length - historySize);
      droppedUpTo = dropped.at(-1)?.revision ?? droppedUpTo;
    }
    feed.wake();
  };
  const remove = (key: string) => {
    held.delete(key);
    expiries.delete(key);
    revision += 1;
    record({ type: 'delete', key, revision });
  };
  /** Expiry happens when somebody looks: no timer, so that a moved clock is enough in tests. */
  const expire = () => {
    const now = clock.now();
    for (let key = expiries.takeDue(now); key !== undefined; key = expiries.takeDue(now)) remove(key);
  };
  const enter = (key?: string) => {
    if (closed) throw new ClosedError('the store is closed');
    if (key !== undefined) checkName('key', key);
    expire();
  };
  const present = (key: string, { value, revision, expires }: Held): KeyValueEntry => {
    const entry = { key, value: copyValue(value), revision };
    return expires === undefined ? entry : { ...entry, ttlMs: Math.max(1, Math.ceil(expires - clock.now())) };
  };
  const refuseStale = (key: string, expected: number | undefined) => refuseStaleKey(key, held.get(key)?.revision ?? 0, expected);
  let sweeper: ReturnType<typeof setInterval> | undefined;
  /** So that watchers hear of what has expired. Begins with the first key that will: a Worker has no timers before a request. */
  const startSweeping = () => {
    if (sweeper !== undefined) return;
    sweeper = setInterval(expire, 1_000);
    if (typeof sweeper === 'object' && 'unref' in sweeper) sweeper.unref();
  };

  return {
    durability: 'process',
    async get(key) {
      enter(key);
      const entry = held.get(key);
      return entry && present(key, entry);
    },
    async put(key, value, { expected, ttlMs } = {}) {
      enter(key);
      if (ttlMs !== undefined) checkTtl(ttlMs);
      const copy = copyValue(value);
      refuseStale(key, expected);
      revision += 1;
      if (ttlMs === undefined) {
        held.set(key, { value: copy, revision });
        expiries.delete(key);
      } else {
        held.set(key, { value: copy, revision, expires: clock.now() + ttlMs });
        expiries.set(key, clock.now() + ttlMs);
        startSweeping();
      }
      record({ type: 'put', key, value: copy, revision });
      return { revision };
    },
    async delete(key, { expected } = {}) {
      enter(key);
      refuseStale(key, expected);
      if (!held.has(key)) return false;
      remove(key);
      return true;
    },
    async *list(prefix, { limit = Number.POSITIVE_INFINITY, after } = {}) {
      enter();
      const keys = [...held.keys()].filter((key) => key.startsWith(prefix) && (after === undefined || compareNames(key, after) > 0)).sort(compareNames);
      let given = 0;
      for (const key of keys) {
        if (given >= limit) return;
        enter();
        const entry = held.get(key);
        if (entry === undefined) continue;
        given += 1;
        yield present(key, entry);
      }
    },
    watch(prefix, { from, signal } = {}) {
      let position = from;
      return feed.read(async () => {
        enter();
        position ??= revision;
        if (position < droppedUpTo)
          throw new HistoryDroppedError(`changes after revision ${position} are no longer all kept; list the keys, then watch from there`);
        const oldest = revision - history.length;
        for (;;) {
          const page = history.slice(position - oldest, position - oldest + PAGE);
          position = page.at(-1)?.revision ?? position;
          const wanted = page.filter(({ key }) => key.startsWith(prefix));
          if (wanted.length > 0 || page.length < PAGE) return wanted.map(copyChange);
        }
      }, signal);
    },
    async close() {
      closed = true;
      clearInterval(sweeper);
      feed.close();
      history = [];
    },
  };
}

function copyChange(change: KeyValueChange): KeyValueChange {
  return change.type === 'put' ? { ...change, value: copyValue(change.value) } : change;
}
