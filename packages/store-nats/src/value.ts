import { encodeValue, type StoredValue } from '@meshwork/core';

/** What a message holds: JSON, bytes, or the word that a key was deleted. */
type Kind = 'j' | 'b' | 'd';

/** A value as a message carries it. */
export interface Content {
  readonly kind: Kind;
  readonly data: Uint8Array;
}

/** A copy of the value. @throws {InvalidInputError} when it is neither JSON nor bytes. */
export function toContent(value: StoredValue): Content {
  const encoded = encodeValue(value);
  return typeof encoded === 'string' ? { kind: 'j', data: Buffer.from(encoded) } : { kind: 'b', data: encoded };
}

/** The value as it went in. */
export function fromContent(kind: string | undefined, data: Uint8Array): StoredValue {
  // The bytes share the memory of what was read with them.
  if (kind === 'b') return new Uint8Array(data);
  return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString()) as StoredValue;
}
