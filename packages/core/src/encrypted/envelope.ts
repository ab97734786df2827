/** What is kept in place of a value. */
export interface Envelope {
  readonly keyId: string;
  /** From which, and the key, the key of this value was derived. */
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  /** With its tag. */
  readonly sealed: Uint8Array;
}

/** Where a value belongs. */
export interface Place {
  readonly port: 'key' | 'stream';
  readonly name: string;
}

export const SALT_BYTES = 16;
/** NIST SP 800-38D, 8.2.2: 96 random bits. */
export const NONCE_BYTES = 12;

/** "mwe" and the version. */
const MARK = [0x6d, 0x77, 0x65, 1];
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The envelope as bytes: mark, length of the key's id, id, salt, nonce, ciphertext and tag. */
export function packEnvelope({ keyId, salt, nonce, sealed }: Envelope): Uint8Array {
  const id = encoder.encode(keyId);
  return concat([Uint8Array.from([...MARK, id.length]), id, salt, nonce, sealed]);
}

/** Undefined: these bytes are no envelope. */
export function unpackEnvelope(bytes: Uint8Array): Envelope | undefined {
  const idLength = bytes[MARK.length] ?? 0;
  const idAt = MARK.length + 1;
  const saltAt = idAt + idLength;
  const nonceAt = saltAt + SALT_BYTES;
  const sealedAt = nonceAt + NONCE_BYTES;
  if (idLength === 0 || bytes.length < sealedAt || MARK.some((byte, index) => bytes[index] !== byte)) return undefined;
  return {
    keyId: decoder.decode(bytes.subarray(idAt, saltAt)),
    salt: bytes.slice(saltAt, nonceAt),
    nonce: bytes.slice(nonceAt, sealedAt),
    sealed: bytes.slice(sealedAt),
  };
}

/** What is bound to the ciphertext without being in it: the place, the version, the key's id and the salt. No two of them give the same bytes. */
export function additionalData({ port, name }: Place, { keyId, salt }: Pick<Envelope, 'keyId' | 'salt'>): Uint8Array<ArrayBuffer> {
  const id = encoder.encode(keyId);
  return concat([Uint8Array.from([...MARK, port === 'key' ? 0 : 1, id.length]), id, salt, encoder.encode(name)]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
