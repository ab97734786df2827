import type { JournalRecord } from '@meshwork/core';
import type { Message, Messages } from './messages.ts';
import { createPager, type Passing } from './pager.ts';
import type { Parts } from './parts.ts';
import { partOf, unpack } from './record-batch.ts';

const PAGE = 200;

/** Goes through the batches of one stream from a sequence on. */
export interface BatchReader {
  /**
   * The next whole batches, oldest first; with `waitMs` it waits so long for a message. `sequence` is that of the last message it has seen.
   * Nothing and no sequence: there is no more.
   */
  next(options?: {
    readonly waitMs?: number;
    readonly signal?: AbortSignal | undefined;
  }): Promise<{ readonly batches: readonly Message[]; readonly sequence?: number | undefined }>;
  close(): void;
}

export function createBatchReader({ link, stream }: Parts, subject: string, from: number): BatchReader {
  const pager = createPager({ link, stream, filter: subject, from });
  let gathered: Message[] = [];

  /** The whole batches among the messages. A part that is not followed by the next was given up by its writer. */
  const wholeOf = (page: readonly Passing[]): Message[] => {
    const whole: Message[] = [];
    for (const message of page) {
      const { id, part, parts } = partOf(message);
      const before = gathered.at(-1);
      if (part !== gathered.length || (before !== undefined && before.fields[0] !== id)) gathered = [];
      if (part !== gathered.length) continue;
      gathered.push(message);
      if (gathered.length < parts) continue;
      whole.push(...gathered);
      gathered = [];
    }
    return whole;
  };
  return {
    async next({ waitMs = 0, signal } = {}) {
      const page = waitMs === 0 ? await pager.page(PAGE) : await pager.page(1, { waitMs, signal });
      return { batches: wholeOf(page), sequence: page.at(-1)?.sequence };
    },
    close: pager.close,
  };
}

/**
 * The sequence from which on the batch with the offset is found, or where it will come. Before it there are only batches that end earlier: those that
 * follow each other begin later and later, and one that was given up begins where the next does.
 */
export async function findStart(messages: Messages, subject: string, offset: number, last: Message | undefined): Promise<number> {
  if (offset <= 1 || last === undefined) return 1;
  let low = 1;
  let high = last.sequence;
  const { first, part } = partOf(last);
  if (part === 0 && first <= offset) return high;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const message = await messages.next(subject, middle);
    const found = message && partOf(message);
    if (message === undefined || found === undefined) high = middle;
    else if (found.first + found.total > offset) high = middle;
    else low = message.sequence + 1;
  }
  // A batch begins with its first part, which has the same last offset.
  return low;
}

/** The records of batches, those from an offset on. */
export function* recordsOf(batches: readonly Message[], from: number): Generator<JournalRecord, void, undefined> {
  for (const batch of batches) for (const record of unpack(batch)) if (record.offset >= from) yield record;
}
