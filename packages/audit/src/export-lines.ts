import type { NumberedRecord } from './search.ts';

export type ExportFormat = 'ndjson' | 'csv';

const columns: readonly (readonly [string, (record: NumberedRecord) => unknown])[] = [
  ['seq', ({ seq }) => seq],
  ['time', ({ time }) => time],
  ['call_id', ({ call_id }) => call_id],
  ['principal', ({ principal }) => principal.id],
  ['principal_kind', ({ principal }) => principal.kind],
  ['zone', ({ principal }) => principal.zone],
  ['address', ({ principal }) => principal.address],
  ['face', ({ face }) => face],
  ['kind', ({ kind }) => kind],
  ['name', ({ name }) => name],
  ['outcome', ({ outcome }) => outcome],
  ['code', ({ code }) => code],
  ['policies', ({ decisions }) => decisions.flatMap(({ policies }) => policies).join(' ')],
  ['arguments_digest', ({ arguments_digest }) => arguments_digest],
  ['duration_ms', ({ duration_ms }) => duration_ms],
  ['trace_id', ({ trace_id }) => trace_id],
  ['status', ({ status }) => status],
  ['credential_id', ({ credential_id }) => credential_id],
  ['count', ({ count }) => count],
];

/** The first lines of an export: the header of a CSV, nothing for NDJSON. */
export function headerOf(format: ExportFormat): string {
  return format === 'csv' ? `${columns.map(([title]) => title).join(',')}\r\n` : '';
}

/** One record as one line. */
export function lineOf(record: NumberedRecord, format: ExportFormat): string {
  if (format === 'ndjson') return `${JSON.stringify(record)}\n`;
  return `${columns.map(([, read]) => cell(read(record))).join(',')}\r\n`;
}

/** RFC 4180 quoting; a text a spreadsheet would run as a formula is defused with an apostrophe. */
function cell(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
