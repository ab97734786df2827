import type { EncodedValue } from '../drivers/encode-value.ts';
import type { StoredValue } from '../journal.ts';
import { DecryptionError, EncryptionKeyError } from './encryption-errors.ts';
import { checkKey, type EncryptionKey, type EncryptionKeys } from './encryption-keys.ts';
import { additionalData, type Envelope, NONCE_BYTES, type Place, packEnvelope, SALT_BYTES, unpackEnvelope } from './envelope.ts';

/** Makes values unreadable, and readable again. */
export interface ValueCipher {
  /** @throws {EncryptionKeyError} */
  seal(value: EncodedValue, place: Place): Promise<Uint8Array>;
  /** @throws {DecryptionError} when it is not what was sealed for this place, {@link EncryptionKeyError} when its key is not there. */
  open(value: StoredValue, place: Place): Promise<StoredValue>;
}

export interface ValueCipherOptions {
  readonly keys: EncryptionKeys;
  /** Values sealed with one derived key; then comes the next. */
  readonly valuesPerKey: number;
}

interface SealingKey {
  readonly keyId: string;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly key: CryptoKey;
  uses: number;
}

const ALGORITHM = 'AES-GCM';
/** Derived keys kept for reading: one for each process that has written, and each `valuesPerKey` of its values. */
const KNOWN_KEYS = 1_000;
const JSON_TEXT = 0;
const BYTES = 1;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * AES-256-GCM by keys that are derived (HKDF-SHA-256, RFC 5869) from the given one and a random salt of 128 bits: each cipher seals with keys nobody
 * else has, and only so many values with one that random nonces do not meet.
 */
export function createValueCipher({ keys, valuesPerKey }: ValueCipherOptions): ValueCipher {
  const known = new Map<string, Promise<CryptoKey>>();
  let sealing: Promise<SealingKey> | undefined;

  const nextSealingKey = async (current: EncryptionKey): Promise<SealingKey> => {
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
    const key = derive(current, salt);
    remember(current.id, salt, key);
    return { keyId: current.id, salt, key: await key, uses: 0 };
  };
  const sealingKey = async (): Promise<SealingKey> => {
    const current = await keys.current();
    for (;;) {
      const asked = sealing;
      const held = await asked?.catch(() => undefined);
      if (held !== undefined && held.keyId === current.id && held.uses < valuesPerKey) {
        held.uses += 1;
        return held;
      }
      if (sealing === asked) sealing = nextSealingKey(current);
      // Only the one that was just asked for can fail for good.
      if (asked === undefined || held === undefined) await sealing;
    }
  };
  const remember = (keyId: string, salt: Uint8Array, key: Promise<CryptoKey>) => {
    const name = nameOf(keyId, salt);
    const [oldest] = known.keys();
    if (known.size >= KNOWN_KEYS && oldest !== undefined) known.delete(oldest);
    known.set(name, key);
    key.catch(() => known.delete(name));
  };
  const openingKey = ({ keyId, salt }: Envelope): Promise<CryptoKey> => {
    const held = known.get(nameOf(keyId, salt));
    if (held !== undefined) return held;
    const found = (async () => {
      const key = await keys.find(keyId);
      if (key === undefined) throw new EncryptionKeyError(`the encryption key ${JSON.stringify(keyId)} is not there; add it to the old keys`);
      return derive(key, salt);
    })();
    remember(keyId, salt, found);
    return found;
  };

  return {
    async seal(value, place) {
      const { keyId, salt, key } = await sealingKey();
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const sealed = await crypto.subtle.encrypt({ name: ALGORITHM, iv: nonce, additionalData: additionalData(place, { keyId, salt }) }, key, toPlain(value));
      return packEnvelope({ keyId, salt, nonce, sealed: new Uint8Array(sealed) });
    },
    async open(value, place) {
      const envelope = value instanceof Uint8Array ? unpackEnvelope(value) : undefined;
      const what = `the ${place.port} ${JSON.stringify(place.name)}`;
      if (envelope === undefined) throw new DecryptionError(`${what} holds a value that is not encrypted; copy the store with "meshwork migrate"`);
      const key = await openingKey(envelope);
      const { nonce, sealed } = envelope;
      try {
        const algorithm = { name: ALGORITHM, iv: new Uint8Array(nonce), additionalData: additionalData(place, envelope) };
        return fromPlain(new Uint8Array(await crypto.subtle.decrypt(algorithm, key, new Uint8Array(sealed))));
      } catch (cause) {
        throw new DecryptionError(`${what} holds a value that was not written for it with the key ${JSON.stringify(envelope.keyId)}; restore it`, { cause });
      }
    },
  };
}

async function derive(key: EncryptionKey, salt: Uint8Array): Promise<CryptoKey> {
  checkKey(key);
  const material = await crypto.subtle.importKey('raw', new Uint8Array(key.secret), 'HKDF', false, ['deriveKey']);
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(salt), info: encoder.encode('meshwork store 1') };
  return crypto.subtle.deriveKey(derivation, material, { name: ALGORITHM, length: 256 }, false, ['encrypt', 'decrypt']);
}

function nameOf(keyId: string, salt: Uint8Array): string {
  return `${keyId} ${salt.join()}`;
}

function toPlain(value: EncodedValue): Uint8Array<ArrayBuffer> {
  const bytes = typeof value === 'string' ? encoder.encode(value) : value;
  const plain = new Uint8Array(1 + bytes.length);
  plain[0] = typeof value === 'string' ? JSON_TEXT : BYTES;
  plain.set(bytes, 1);
  return plain;
}

function fromPlain(plain: Uint8Array): StoredValue {
  return plain[0] === BYTES ? plain.slice(1) : (JSON.parse(decoder.decode(plain.subarray(1))) as StoredValue);
}
