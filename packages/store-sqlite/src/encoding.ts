import { InvalidInputError, type StoredValue } from '@meshwork/core';

/** How a value is kept: its kind, and its bytes. */
export interface Encoded {
  readonly kind: 0 | 1;
  readonly bytes: Uint8Array;
}

/** The kind that stands for "deleted" in the change log. */
export const DELETED = 2;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** JSON as its text, bytes as they are. @throws {InvalidInputError} when the value is neither. */
export function encode(value: StoredValue): Encoded {
  if (value instanceof Uint8Array) return { kind: 1, bytes: value.slice() };
  const text = JSON.stringify(value);
  if (text === undefined) throw new InvalidInputError('the value is neither JSON nor bytes');
  return { kind: 0, bytes: encoder.encode(text) };
}

/** The value as it went in. */
export function decode(kind: number, bytes: Uint8Array): StoredValue {
  if (kind === 1) return new Uint8Array(bytes);
  return JSON.parse(decoder.decode(bytes)) as StoredValue;
}
