import type { Journal } from '@meshwork/core';
import { linkIn } from './chain.ts';
import type { AuditRecord, Outcome } from './record.ts';

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
  const found: NumberedRecord[] = [];
  const head = await journal.head(stream);
  for (let end = before === undefined ? head : Math.min(head, before - 1); end > 0 && found.length < limit; end -= PAGE) {
    const from = Math.max(1, end - PAGE + 1);
    const page: NumberedRecord[] = [];
    for await (const record of readRecords(journal, stream, { from, limit: end - from + 1 })) if (matches(record, filter)) page.push(record);
    found.push(...page.reverse());
  }
  return found.slice(0, limit);
}

/** Every matching record, oldest first. */
export async function* searchAll(journal: Journal, stream: string, filter: Omit<AuditFilter, 'limit'>): AsyncGenerator<NumberedRecord, void, undefined> {
  for await (const record of readRecords(journal, stream, {})) if (matches(record, filter)) yield record;
}

async function* readRecords(journal: Journal, stream: string, range: { from?: number; limit?: number }): AsyncGenerator<NumberedRecord, void, undefined> {
  for await (const record of journal.read(stream, range)) {
    const link = linkIn(record);
    const parsed = link === undefined ? undefined : parse(link.line);
    if (parsed !== undefined) yield parsed;
  }
}

/** A line that somebody broke is for `verify` to find; a search goes on without it. */
function parse(line: string): NumberedRecord | undefined {
  try {
    return JSON.parse(line) as NumberedRecord;
  } catch {
    return undefined;
  }
}

function matches(record: NumberedRecord, { principal, name, kind, outcome, zone, since, until, before }: AuditFilter): boolean {
  return (
    (principal === undefined || record.principal.id === principal) &&
    (name === undefined || record.name === name) &&
    (kind === undefined || record.kind === kind) &&
    (outcome === undefined || record.outcome === outcome) &&
    (zone === undefined || record.principal.zone === zone) &&
    (since === undefined || record.time >= since) &&
    (until === undefined || record.time < until) &&
    (before === undefined || record.seq < before)
  );
}
