import type { Journal, JsonObject, KeyValueStore } from '@meshwork/core';
import { readRecords } from './read-records.ts';
import { isSummary, placesIn, SEGMENT, type SegmentQuery, type SegmentSummary, summarise } from './segment.ts';

/** Says where in the log a search has to look, from a summary of each full segment. Never used to verify anything. */
export interface SegmentIndex {
  /** Places of the segment, ascending, that may match; those of a segment that is not full yet are all of them. */
  places(segment: number, query: SegmentQuery, head: number): Promise<readonly number[]>;
  /** Makes the summaries that are missing, so that no search has to. */
  catchUp(signal?: AbortSignal): Promise<void>;
  /** Drops the summaries of segments that lie wholly before this place. */
  forget(before: number): Promise<void>;
}

export interface SegmentIndexOptions {
  readonly store: KeyValueStore;
  readonly journal: Journal;
  readonly stream: string;
}

export function createSegmentIndex({ store, journal, stream }: SegmentIndexOptions): SegmentIndex {
  const prefix = `audit-index/${stream}/`;
  const keyOf = (segment: number) => `${prefix}${String(segment).padStart(12, '0')}`;
  /** Segments up to this one have a summary, as far as this process knows. */
  let done = -1;

  const make = async (segment: number): Promise<SegmentSummary> => {
    const start = segment * SEGMENT + 1;
    const records = [];
    for await (const record of readRecords(journal, stream, { from: start, to: start + SEGMENT - 1 })) records.push(record);
    return summarise(records, start);
  };
  const summaryOf = async (segment: number): Promise<SegmentSummary> => {
    // Without its store a search takes longer, and works.
    const entry = await store.get(keyOf(segment)).catch(() => undefined);
    if (isSummary(entry?.value)) return entry.value;
    const summary = await make(segment);
    await store.put(keyOf(segment), summary as unknown as JsonObject).catch(() => {});
    return summary;
  };

  return {
    async places(segment, query, head) {
      const start = segment * SEGMENT + 1;
      const end = start + SEGMENT - 1;
      if (end <= head) return placesIn(await summaryOf(segment), query, start);
      return Array.from({ length: Math.max(0, head - start + 1) }, (_, at) => start + at);
    },
    async catchUp(signal) {
      const full = Math.floor((await journal.head(stream)) / SEGMENT) - 1;
      const first = await firstSegment(journal, stream);
      for (let segment = Math.max(done + 1, first); segment <= full && signal?.aborted !== true; segment++) {
        await summaryOf(segment);
        done = segment;
        // Others get their turn: a log of a million records is a thousand segments.
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    async forget(before) {
      const last = keyOf(Math.floor((before - 1) / SEGMENT));
      for await (const { key } of store.list(prefix)) {
        if (key >= last) return;
        await store.delete(key);
      }
    },
  };
}

/** The segment the oldest kept record is in. */
export async function firstSegment(journal: Journal, stream: string): Promise<number> {
  for await (const { offset } of journal.read(stream, { limit: 1 })) return Math.floor((offset - 1) / SEGMENT);
  return 0;
}
