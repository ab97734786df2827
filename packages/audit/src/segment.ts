import type { AuditFilter, NumberedRecord } from './search.ts';

/** Records a segment has. */
export const SEGMENT = 1_000;

/** What a search may ask of a segment of the log without reading it. */
export interface SegmentSummary {
  readonly v: 1;
  /** The earliest and the latest time of its records, ISO 8601; empty when it has none. */
  readonly since: string;
  readonly until: string;
  readonly columns: Readonly<Record<ColumnName, Column>>;
}

/** The values of one field, and which record has which: two characters a record; empty when all have the first. */
interface Column {
  readonly values: readonly string[];
  readonly codes: string;
}

const readers = {
  principal: ({ principal }: NumberedRecord) => principal.id,
  name: ({ name }: NumberedRecord) => name,
  kind: ({ kind }: NumberedRecord) => kind,
  outcome: ({ outcome }: NumberedRecord) => outcome,
  zone: ({ principal }: NumberedRecord) => principal.zone,
} as const;
type ColumnName = keyof typeof readers;
const columnNames = Object.keys(readers) as ColumnName[];

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Pure: the summary of the records of one segment, of which the first place is `start`. Places whose record is broken are left out. */
export function summarise(records: readonly NumberedRecord[], start: number): SegmentSummary {
  const times = records
    .map(({ time }) => time)
    .filter((time) => typeof time === 'string')
    .sort();
  const column = (name: ColumnName): Column => {
    const known = new Map<string, number>();
    const codes = new Uint16Array(SEGMENT);
    for (const record of records) {
      const value: unknown = readers[name](record);
      if (typeof value !== 'string') continue;
      const code = known.get(value) ?? known.size + 1;
      known.set(value, code);
      codes[record.seq - start] = code;
    }
    const isConstant = known.size === 1 && codes.every((code) => code === 1);
    return { values: [...known.keys()], codes: isConstant ? '' : Array.from(codes, (code) => DIGITS.charAt(code >> 6) + DIGITS.charAt(code & 63)).join('') };
  };
  const columns = Object.fromEntries(columnNames.map((name) => [name, column(name)])) as Record<ColumnName, Column>;
  return { v: 1, since: times[0] ?? '', until: times.at(-1) ?? '', columns };
}

/** What a search is for, times in the form that records have. */
export type SegmentQuery = Pick<AuditFilter, ColumnName | 'since' | 'until'>;

/** Pure: the places in the log, ascending, that may match; all of the segment's where nothing but the time is asked. */
export function placesIn({ since, until, columns }: SegmentSummary, query: SegmentQuery, start: number): readonly number[] {
  if (query.since !== undefined && until < query.since) return [];
  if (query.until !== undefined && (since === '' || since >= query.until)) return [];
  let tests: readonly (readonly [codes: string, high: number, low: number])[] = [];
  for (const name of columnNames) {
    const wanted = query[name];
    if (wanted === undefined) continue;
    const { values, codes } = columns[name];
    const code = values.indexOf(wanted) + 1;
    if (code === 0) return [];
    if (codes !== '') tests = [...tests, [codes, DIGITS.charCodeAt(code >> 6), DIGITS.charCodeAt(code & 63)]];
  }
  const places: number[] = [];
  for (let at = 0; at < SEGMENT; at++) {
    if (tests.every(([codes, high, low]) => codes.charCodeAt(2 * at) === high && codes.charCodeAt(2 * at + 1) === low)) places.push(start + at);
  }
  return places;
}

/** True for what `summarise` may have made: a store gives back what somebody else may have written. */
export function isSummary(value: unknown): value is SegmentSummary {
  const summary = value as Partial<SegmentSummary> | null | undefined;
  return (
    summary?.v === 1 &&
    typeof summary.since === 'string' &&
    typeof summary.until === 'string' &&
    columnNames.every((name) => {
      const column = summary.columns?.[name];
      return Array.isArray(column?.values) && (column.codes === '' || column.codes?.length === 2 * SEGMENT);
    })
  );
}
