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

/** One record as one line, whatever its names hold: characters that end a line or steer a terminal are escaped as in JSON. */
export function lineOf(record: NumberedRecord, format: ExportFormat): string {
  if (format === 'ndjson') return `${escapeSteering(JSON.stringify(record))}\n`;
  return `${columns.map(([, read]) => cell(read(record))).join(',')}\r\n`;
}

/** RFC 4180 quoting; a text a spreadsheet would run as a formula, also after white space or in full width, is defused with an apostrophe. */
function cell(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? escapeSteering(/^\s*[=+\-@＝＋－＠\t\r\n]/.test(value) ? `'${value}` : value) : String(value);
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** C0, DEL, C1, line separators and bidirectional controls. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const STEERING = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function escapeSteering(text: string): string {
  return text.replace(STEERING, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
