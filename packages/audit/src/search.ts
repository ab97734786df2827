import { InvalidInputError, type Journal, type Outcome } from '@meshwork/core';
import { linkIn } from './chain.ts';
import type { AuditRecord } from './record.ts';

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

const PAGE = 500;

/** The newest matching records first. */
export async function searchNewest(journal: Journal, stream: string, filter: AuditFilter): Promise<NumberedRecord[]> {
  const { limit = 100, before } = filter;
  const matches = matcherOf(filter);
  const found: NumberedRecord[] = [];
  const head = await journal.head(stream);
  for (let end = before === undefined ? head : Math.min(head, before - 1); end > 0 && found.length < limit; end -= PAGE) {
    const from = Math.max(1, end - PAGE + 1);
    const page: NumberedRecord[] = [];
    for await (const record of readRecords(journal, stream, { from, to: end })) if (matches(record)) page.push(record);
    found.push(...page.reverse());
  }
  return found.slice(0, limit);
}

/** Every matching record, oldest first. */
export async function* searchAll(journal: Journal, stream: string, filter: Omit<AuditFilter, 'limit'>): AsyncGenerator<NumberedRecord, void, undefined> {
  const matches = matcherOf(filter);
  for await (const record of readRecords(journal, stream, {})) if (matches(record)) yield record;
}

interface Range {
  readonly from?: number;
  readonly to?: number;
}

async function* readRecords(journal: Journal, stream: string, range: Range): AsyncGenerator<NumberedRecord, void, undefined> {
  const { from = 1, to = Number.POSITIVE_INFINITY } = range;
  for await (const record of journal.read(stream, { from, limit: to - from + 1 })) {
    // A trimmed stream begins later than asked.
    if (record.offset > to) return;
    const link = linkIn(record);
    const parsed = link === undefined ? undefined : parse(link.line);
    if (parsed !== undefined) yield parsed;
  }
}

/** A line that somebody broke is for `verify` to find; a search goes on without it. */
function parse(line: string): NumberedRecord | undefined {
  try {
    const value = JSON.parse(line) as Partial<NumberedRecord> | null;
    const whole =
      typeof value?.seq === 'number' &&
      typeof value.principal?.id === 'string' &&
      value.decisions?.every((decision) => Array.isArray(decision?.policies)) === true;
    return whole ? (value as NumberedRecord) : undefined;
  } catch {
    return undefined;
  }
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
