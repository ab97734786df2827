import { type Clock, systemClock } from '../clock.ts';
import { ClosedError } from '../errors.ts';
import type { Journal, JournalRecord, PastRecord } from '../journal.ts';
import { createChangeFeed } from './change-feed.ts';
import { checkName, compareNames } from './check-names.ts';
import { copyValue } from './copy-value.ts';
import { refuseStaleStream } from './refuse-stale.ts';

interface Stream {
  records: JournalRecord[];
  head: number;
}

/** A journal in this process's memory: for tests, trials and hubs that may forget. */
export function createMemoryJournal({ clock = systemClock }: { readonly clock?: Clock } = {}): Journal {
  const streams = new Map<string, Stream>();
  const feed = createChangeFeed();
  let closed = false;
  const enter = (stream: string): Stream | undefined => {
    if (closed) throw new ClosedError('the journal is closed');
    checkName('stream', stream);
    return streams.get(stream);
  };
  const page = (stream: string, from: number, limit: number): readonly JournalRecord[] => {
    const records = enter(stream)?.records ?? [];
    const skip = Math.max(0, from - (records[0]?.offset ?? 1));
    return records.slice(skip, skip + limit).map(({ value, ...record }) => ({ ...record, value: copyValue(value) }));
  };

  const add = (stream: string, expected: number | undefined, records: readonly PastRecord[]): number[] => {
    const present = enter(stream) ?? { records: [], head: 0 };
    refuseStaleStream(stream, present.head, expected);
    const added = records.map(({ time, value }, index) => ({ offset: present.head + 1 + index, time, value: copyValue(value) }));
    if (added.length === 0) return [];
    // One by one: so many as a caller may append are too many arguments.
    for (const record of added) present.records.push(record);
    present.head += added.length;
    streams.set(stream, present);
    feed.wake();
    return added.map(({ offset }) => offset);
  };

  return {
    durability: 'process',
    async append(stream, values, { expected } = {}) {
      const time = clock.now();
      return add(
        stream,
        expected,
        values.map((value) => ({ time, value })),
      );
    },
    appendPast: async (stream, records, { expected }) => add(stream, expected, records),
    async *read(stream, { from = 1, limit = Number.POSITIVE_INFINITY } = {}) {
      let next = from;
      let left = limit;
      while (left > 0) {
        const records = page(stream, next, Math.min(left, 500));
        if (records.length === 0) return;
        for (const record of records) yield record;
        left -= records.length;
        next = (records.at(-1)?.offset ?? next) + 1;
      }
    },
    follow(stream, { from, signal } = {}) {
      let next = from;
      return feed.read(async () => {
        next ??= (enter(stream)?.head ?? 0) + 1;
        const records = page(stream, next, 500);
        next = (records.at(-1)?.offset ?? next - 1) + 1;
        return records;
      }, signal);
    },
    async head(stream) {
      return enter(stream)?.head ?? 0;
    },
    async *streams(prefix = '') {
      if (closed) throw new ClosedError('the journal is closed');
      yield* [...streams.keys()].filter((name) => name.startsWith(prefix)).sort(compareNames);
    },
    async trim(stream, before) {
      const present = enter(stream);
      if (present !== undefined) present.records = present.records.filter(({ offset }) => offset >= before);
    },
    async close() {
      closed = true;
      feed.close();
    },
  };
}
