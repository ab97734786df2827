import { type EncodedValue, encodeValue, type StoredValue } from '@meshwork/core';
import { BYTES, JSON_TEXT } from './write-function.ts';

/** A value as its two columns. */
export interface RowValue {
  readonly kind: number;
  readonly value: Uint8Array;
}

/** A copy of the value, as it is kept. @throws {InvalidInputError} when it is neither JSON nor bytes. */
export function toRowValue(value: StoredValue): RowValue {
  const encoded: EncodedValue = encodeValue(value);
  return typeof encoded === 'string' ? { kind: JSON_TEXT, value: Buffer.from(encoded) } : { kind: BYTES, value: encoded };
}

/** The value as it went in. */
export function fromRowValue({ kind, value }: RowValue): StoredValue {
  // The driver's buffers share the memory of one read.
  if (kind === BYTES) return new Uint8Array(value);
  return JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()) as StoredValue;
}
