import { findJsonFault, InvalidInputError } from '@meshwork/core';
import type { CloudEvent } from './cloud-event.ts';

/** Bytes an event may have as JSON: what CloudEvents asks everybody to carry (section "Size Limits"). */
export const MAX_EVENT_BYTES = 65_536;

/**
 * Refuses what is no CloudEvent 1.0 in the JSON format: attributes that lack, are empty or of another type, names and values that extensions
 * may not have, both `data` and `data_base64`. Stricter than the specification in one thing: an attribute that is not set is left out, not null.
 *
 * @throws {InvalidInputError}
 */
export function checkEvent(value: unknown): CloudEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new InvalidInputError('an event is an object; see CloudEvents 1.0');
  const event = value as Readonly<Record<string, unknown>>;
  for (const name of ['specversion', 'id', 'source', 'type']) if (event[name] === undefined) throw fault(name, 'is missing');
  if (event.specversion !== '1.0') throw fault('specversion', 'must be "1.0"');
  if (event.data !== undefined && event.data_base64 !== undefined) throw fault('data', 'and data_base64 exclude each other');
  for (const [name, member] of Object.entries(event)) {
    if (name === 'data') continue;
    const complaint = member === undefined ? undefined : complaintAbout(name, member);
    if (complaint !== undefined) throw fault(name, complaint);
  }
  const inData = findJsonFault(event.data);
  if (inData !== undefined) throw new InvalidInputError(`the event's data: ${inData}`);
  return value as CloudEvent;
}

/** Refuses an event that is too large. @throws {InvalidInputError} */
export function checkSize(event: CloudEvent, maxBytes: number): void {
  const text = JSON.stringify(event);
  // A UTF-16 unit is at most 3 bytes of UTF-8, so that small events need no encoding.
  if (text.length * 3 > maxBytes && new TextEncoder().encode(text).length > maxBytes)
    throw new InvalidInputError(`the event has more than ${maxBytes} bytes; keep what is large elsewhere and publish where it is`);
}

function complaintAbout(name: string, value: unknown): string | undefined {
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (rule === undefined) return complaintAboutExtension(name, value);
  if (typeof value !== 'string' || value === '') return 'must be a string that is not empty';
  if (!isPlainText(value)) return 'holds a control character, a noncharacter or a lone surrogate';
  return rule(value);
}

/** By attribute: what is wrong with a text that is not empty. */
const rules: Readonly<Record<string, (value: string) => string | undefined>> = {
  specversion: () => undefined,
  id: () => undefined,
  type: () => undefined,
  subject: () => undefined,
  source: (value) => (isUriReference(value) ? undefined : 'must be a URI reference (RFC 3986)'),
  dataschema: (value) => (/^[a-z][a-z0-9+.-]*:/i.test(value) && isUriReference(value) ? undefined : 'must be a URI with a scheme (RFC 3986)'),
  time: (value) => (isTimestamp(value) ? undefined : 'must be a time as 2026-01-31T12:00:00Z (RFC 3339)'),
  datacontenttype: (value) => (MEDIA_TYPE.test(value) ? undefined : 'must be a media type such as application/json (RFC 2046)'),
  data_base64: (value) => (value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value) ? undefined : 'must be base64 (RFC 4648)'),
};

function complaintAboutExtension(name: string, value: unknown): string | undefined {
  if (!/^[a-z0-9]{1,64}$/.test(name)) return 'is no name for an extension: only a-z and 0-9';
  if (typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value + 0.5) < 2 ** 31 ? undefined : 'must be an integer of 32 bits';
  if (typeof value !== 'string') return 'must be a string, a boolean or an integer';
  return isPlainText(value) ? undefined : 'holds a control character, a noncharacter or a lone surrogate';
}

const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;\s*[\w!#$&^.+-]+=([\w!#$&^.+-]+|"[^"\\]*"))*$/;

/** CloudEvents 1.0, type system: strings hold no control characters, surrogates without their half, or noncharacters. */
function isPlainText(value: string): boolean {
  return value.isWellFormed() && !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(value);
}

function isUriReference(value: string): boolean {
  return /^[\w.~:/?#[\]@!$&'()*+,;=%-]+$/.test(value) && !/%(?![0-9a-f]{2})|#.*#/i.test(value);
}

function isTimestamp(value: string): boolean {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i.exec(value);
  if (parts === null) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  const daysInMonth = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth && hour < 24 && minute < 60 && second < 60;
}

function fault(name: string, complaint: string): InvalidInputError {
  return new InvalidInputError(`the event's ${/^[a-z0-9_]{1,64}$/.test(name) ? name : `attribute ${JSON.stringify(name.slice(0, 64))}`} ${complaint}`);
}
