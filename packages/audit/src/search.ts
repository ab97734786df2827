import { InvalidInputError, type Journal, type Outcome } from '@meshwork/core';
import { readPlaces, readRecords } from './read-records.ts';
import type { AuditRecord } from './record.ts';
import { SEGMENT, type SegmentQuery } from './segment.ts';
import { firstSegment, type SegmentIndex } from './segment-index.ts';

/** A record with its place in the chain. */
export type NumberedRecord = AuditRecord & { readonly seq: number };

export interface AuditFilter {
  readonly principal?: string;
  readonly name?: string;
  readonly kind?: string;
  readonly outcome?: Outcome;
  readonly zone?: string;
  /** ISO 8601: from this time on, and before that one. */
  readonly since?: string;
  readonly until?: string;
  /** Records up to this place only: to go on from where a page ended. */
  readonly before?: number;
  /** Default 100. */
  readonly limit?: number;
}

export interface SearchOptions {
  readonly journal: Journal;
  readonly stream: string;
  /** Without one, every record is read. */
  readonly index?: SegmentIndex | undefined;
}

const PAGE = 500;
/** Summaries that are asked for at once, at most. */
const ABREAST = 32;

/** The newest matching records first. */
export async function searchNewest({ journal, stream, index }: SearchOptions, filter: AuditFilter): Promise<NumberedRecord[]> {
  const { limit = 100, before } = filter;
  const matches = matcherOf(filter);
  const found: NumberedRecord[] = [];
  const take = async (records: AsyncIterable<NumberedRecord>) => {
    const page: NumberedRecord[] = [];
    for await (const record of records) if (matches(record)) page.push(record);
    found.push(...page.reverse());
  };
  const head = await journal.head(stream);
  const newest = before === undefined ? head : Math.min(head, before - 1);
  if (index === undefined) {
    for (let end = newest; end > 0 && found.length < limit; end -= PAGE)
      await take(readRecords(journal, stream, { from: Math.max(1, end - PAGE + 1), to: end }));
    return found.slice(0, limit);
  }
  const query = queryOf(filter);
  const first = await firstSegment(journal, stream);
  let width = 1;
  for (let segment = Math.floor((newest - 1) / SEGMENT); segment >= first && found.length < limit; segment -= width, width = Math.min(2 * width, ABREAST)) {
    const segments = Array.from({ length: Math.min(width, segment - first + 1) }, (_, back) => segment - back);
    for (const all of await Promise.all(segments.map((each) => index.places(each, query, head)))) {
      const places = all.filter((place) => place <= newest);
      // From the end, and no more than there is still room for at a time.
      for (let end = places.length; end > 0 && found.length < limit; ) {
        const start = Math.max(0, end - Math.max(limit - found.length, 32));
        await take(readPlaces(journal, stream, places.slice(start, end)));
        end = start;
      }
      if (found.length >= limit) break;
    }
  }
  return found.slice(0, limit);
}

/** Every matching record, oldest first. */
export async function* searchAll(
  { journal, stream, index }: SearchOptions,
  filter: Omit<AuditFilter, 'limit'>,
): AsyncGenerator<NumberedRecord, void, undefined> {
  const matches = matcherOf(filter);
  const query = queryOf(filter);
  if (index === undefined || Object.keys(query).length === 0) {
    for await (const record of readRecords(journal, stream, {})) if (matches(record)) yield record;
    return;
  }
  const head = await journal.head(stream);
  const last = Math.floor((head - 1) / SEGMENT);
  for (let segment = await firstSegment(journal, stream); segment <= last; segment++) {
    for await (const record of readPlaces(journal, stream, await index.places(segment, query, head))) if (matches(record)) yield record;
  }
}

/** What the index knows of a filter. */
function queryOf({ principal, name, kind, outcome, zone, ...times }: AuditFilter): SegmentQuery {
  const since = isoOf(times.since);
  const until = isoOf(times.until);
  const query = { principal, name, kind, outcome, zone, since, until };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as SegmentQuery;
}

function matcherOf({ principal, name, kind, outcome, zone, before, ...times }: AuditFilter): (record: NumberedRecord) => boolean {
  const since = isoOf(times.since);
  const until = isoOf(times.until);
  return (record) =>
    (principal === undefined || record.principal.id === principal) &&
    (name === undefined || record.name === name) &&
    (kind === undefined || record.kind === kind) &&
    (outcome === undefined || record.outcome === outcome) &&
    (zone === undefined || record.principal.zone === zone) &&
    (since === undefined || record.time >= since) &&
    (until === undefined || record.time < until) &&
    (before === undefined || record.seq < before);
}

/** In the form records have, so that texts compare as times do: `…:00Z` sorts behind `…:00.500Z`. */
function isoOf(time: string | undefined): string | undefined {
  if (time === undefined) return undefined;
  const at = Date.parse(time);
  if (Number.isNaN(at)) throw new InvalidInputError(`${JSON.stringify(time)} is no ISO 8601 time; write it like 2026-01-31T12:00:00Z`);
  return new Date(at).toISOString();
}
