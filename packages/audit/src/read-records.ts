import type { Journal } from '@meshwork/core';
import { linkIn } from './chain.ts';
import type { NumberedRecord } from './search.ts';

interface Range {
  readonly from?: number;
  readonly to?: number;
}

/** The records of a part of the log, oldest first; lines that somebody broke are passed over. */
export async function* readRecords(journal: Journal, stream: string, range: Range): AsyncGenerator<NumberedRecord, void, undefined> {
  const { from = 1, to = Number.POSITIVE_INFINITY } = range;
  for await (const record of journal.read(stream, { from, limit: to - from + 1 })) {
    // A trimmed stream begins later than asked.
    if (record.offset > to) return;
    const link = linkIn(record);
    const parsed = link === undefined ? undefined : parse(link.line, record.offset);
    if (parsed !== undefined) yield parsed;
  }
}

const FAR = 32;

/** The records at these places, ascending: what lies close together is read at once. */
export async function* readPlaces(journal: Journal, stream: string, places: readonly number[]): AsyncGenerator<NumberedRecord, void, undefined> {
  for (let at = 0; at < places.length; ) {
    const from = places[at] ?? 0;
    let to = from;
    for (at += 1; at < places.length && (places[at] ?? 0) - to <= FAR; at++) to = places[at] ?? 0;
    yield* readRecords(journal, stream, { from, to });
  }
}

/** A line that somebody broke is for `verify` to find; a search goes on without it. */
function parse(line: string, offset: number): NumberedRecord | undefined {
  try {
    const value = JSON.parse(line) as Partial<NumberedRecord> | null;
    const whole =
      value?.seq === offset && typeof value.principal?.id === 'string' && value.decisions?.every((decision) => Array.isArray(decision?.policies)) === true;
    return whole ? (value as NumberedRecord) : undefined;
  } catch {
    return undefined;
  }
}
