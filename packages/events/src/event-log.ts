import type { Journal, JournalRecord, JsonObject } from '@meshwork/core';
import type { CloudEvent, RecordedEvent } from './cloud-event.ts';

/** A stream of events, and the ways to find one in it. */
export interface EventLog {
  /** Returns once the journal has them, all or none. */
  append(events: readonly CloudEvent[]): Promise<readonly number[]>;
  /** Oldest first, from an offset on, at most `limit`: whoever wants few says so, for a journal reads in large pages. */
  from(offset: number, limit?: number): AsyncIterable<RecordedEvent>;
  /** Newest first: those before an offset. */
  before(offset: number): AsyncIterable<RecordedEvent>;
  /** Those from an offset on, then each new one. It holds a position in the journal and no queue: whoever is slow is only behind. */
  follow(offset: number, signal: AbortSignal): AsyncIterable<RecordedEvent>;
  /** `undefined` where it was trimmed, or is not there yet. */
  at(offset: number): Promise<RecordedEvent | undefined>;
  /**
   * The offset of the first event that was recorded at this time or later; that of the next one when there is none. Found in as many reads
   * as the log's length has binary digits. Where the journal's clock was set back, one of the places that fit.
   */
  offsetAt(time: number): Promise<number>;
  /** The offset of the newest event; 0 when there is none. */
  head(): Promise<number>;
  /** The offset of the oldest event that is kept; `undefined` when there is none. */
  oldest(): Promise<number | undefined>;
  /** Drops the events before an offset. */
  trim(before: number): Promise<void>;
}

const PAGE = 200;

export function createEventLog(journal: Journal, stream: string): EventLog {
  const at = async (offset: number) => {
    for await (const record of journal.read(stream, { from: offset, limit: 1 })) return record.offset === offset ? show(record) : undefined;
    return undefined;
  };
  const oldest = async () => {
    for await (const { offset } of journal.read(stream, { limit: 1 })) return offset;
    return undefined;
  };
  return {
    append: (events) => journal.append(stream, events as unknown as readonly JsonObject[]),
    async *from(offset, limit) {
      for await (const record of journal.read(stream, { from: offset, ...(limit !== undefined && { limit }) })) yield show(record);
    },
    async *before(offset) {
      for (let end = offset; end > 1; end -= PAGE) {
        const start = Math.max(1, end - PAGE);
        const page: JournalRecord[] = [];
        // Where the start was trimmed, a read begins behind it: what is not of this page was given before.
        for await (const record of journal.read(stream, { from: start, limit: end - start })) if (record.offset < end) page.push(record);
        if (page.length === 0) return;
        for (const record of page.toReversed()) yield show(record);
      }
    },
    async *follow(offset, signal) {
      for await (const record of journal.follow(stream, { from: offset, signal })) yield show(record);
    },
    at,
    async offsetAt(time) {
      let high = (await journal.head(stream)) + 1;
      let low = (await oldest()) ?? 1;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        const found = await at(middle);
        if (found === undefined || found.recordedAt < time) low = middle + 1;
        else high = middle;
      }
      return low;
    },
    head: () => journal.head(stream),
    oldest,
    trim: (before) => journal.trim(stream, before),
  };
}

function show({ offset, time, value }: JournalRecord): RecordedEvent {
  return { offset, recordedAt: time, event: value as unknown as CloudEvent };
}
