import { encodeValue, type StoredValue } from '@meshwork/core';
import { BYTES, JSON_TEXT } from './write-script.ts';

/** A value as the scripts take it. */
export interface Content {
  readonly kind: string;
  readonly value: string | Buffer;
}

/** An entry as it is kept. */
export interface Entry {
  readonly value: StoredValue;
  readonly revision: number;
  /** Milliseconds since the Unix epoch; undefined: never. */
  readonly expires: number | undefined;
}

/** A copy of the value, as it is kept. @throws {InvalidInputError} when it is neither JSON nor bytes. */
export function toContent(value: StoredValue): Content {
  const encoded = encodeValue(value);
  if (typeof encoded === 'string') return { kind: JSON_TEXT, value: encoded };
  return { kind: BYTES, value: Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength) };
}

/** The value as it went in. */
export function fromContent(kind: string, value: Buffer): StoredValue {
  // A copy, since the client's buffers share the memory of one read.
  return kind === BYTES ? new Uint8Array(value) : (JSON.parse(value.toString()) as StoredValue);
}

const COLON = 0x3a;

/** Reads what the write script wrote: kind, revision, ":", expiry or nothing, ":", content. */
export function parseEntry(entry: Buffer): Entry {
  const revisionEnd = entry.indexOf(COLON);
  const headEnd = entry.indexOf(COLON, revisionEnd + 1);
  const expires = entry.toString('latin1', revisionEnd + 1, headEnd);
  return {
    value: fromContent(entry.toString('latin1', 0, 1), entry.subarray(headEnd + 1)),
    revision: Number(entry.toString('latin1', 1, revisionEnd)),
    expires: expires === '' ? undefined : Number(expires),
  };
}
