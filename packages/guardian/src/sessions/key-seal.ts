import { decodeBase64url, encodeBase64url } from '../base64url.ts';

/** Keeps private keys in the store so that the store alone is not enough to use them. */
export interface KeySeal {
  /** What is kept of a key's secret, good under the key's name alone. */
  seal(kid: string, secret: string): Promise<string>;
  /** The secret again; `undefined` when it was sealed with another pepper, for another key, or altered. */
  open(kid: string, sealed: string): Promise<string | undefined>;
}

const encoder = new TextEncoder();
const INFO = encoder.encode('meshwork session keys 1');
const IV_BYTES = 12;

/** AES-256-GCM (NIST SP 800-38D) with a key made of the pepper by HKDF-SHA-256 (RFC 5869), so that the pepper has one use each. */
export function createKeySeal(pepper: Uint8Array): KeySeal {
  const secretBytes = Uint8Array.from(pepper);
  let made: Promise<CryptoKey> | undefined;
  const key = () => {
    made ??= deriveKey(secretBytes);
    return made;
  };
  return {
    async seal(kid, secret) {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: encoder.encode(kid) }, await key(), encoder.encode(secret));
      return encodeBase64url(Uint8Array.from([...iv, ...new Uint8Array(sealed)]));
    },
    async open(kid, sealed) {
      const bytes = decodeBase64url(sealed);
      if (bytes === undefined || bytes.length <= IV_BYTES) return undefined;
      const how = { name: 'AES-GCM', iv: bytes.slice(0, IV_BYTES), additionalData: encoder.encode(kid) };
      try {
        return new TextDecoder().decode(await crypto.subtle.decrypt(how, await key(), bytes.slice(IV_BYTES)));
      } catch {
        return undefined;
      }
    },
  };
}

async function deriveKey(pepper: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey('raw', pepper, 'HKDF', false, ['deriveKey']);
  const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: INFO };
  return crypto.subtle.deriveKey(how, base, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}
