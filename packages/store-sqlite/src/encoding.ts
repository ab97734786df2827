import type { EncodedValue, StoredValue } from '@meshwork/core';

/** The kinds of value in a row. */
export const JSON_TEXT = 0;
export const BYTES = 1;
/** The kind that stands for "deleted" in the change log. */
export const DELETED = 2;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The value's kind and bytes, for a row of its own. */
export function toRow(value: EncodedValue): { readonly kind: number; readonly bytes: Uint8Array } {
  return typeof value === 'string' ? { kind: JSON_TEXT, bytes: encoder.encode(value) } : { kind: BYTES, bytes: value };
}

/** The value as it went in. */
export function decode(kind: number, bytes: Uint8Array): StoredValue {
  if (kind === BYTES) return new Uint8Array(bytes);
  return JSON.parse(decoder.decode(bytes)) as StoredValue;
}
