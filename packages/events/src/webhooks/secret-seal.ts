import { fromBase64, toBase64 } from '../base64.ts';
import type { Subscription } from '../subscription.ts';

/** Keeps the secrets of webhooks in the store so that the store alone is not enough to sign with them. */
export interface SecretSeal {
  /** What is kept of a secret, good for this subscription alone. What is sealed already stays as it is. */
  seal(subscriptionId: string, secret: string): Promise<string>;
  /** The secret again, also of one that was kept in plain; `undefined` when it was sealed with another pepper, for another subscription, or altered. */
  open(subscriptionId: string, kept: string): Promise<string | undefined>;
}

const encoder = new TextEncoder();
const INFO = encoder.encode('meshwork webhook secrets 1');
const PREFIX = 'sealed:1:';
const IV_BYTES = 12;
const SHORTEST_PEPPER = 32;

/**
 * AES-256-GCM (NIST SP 800-38D) with a key made of the pepper by HKDF-SHA-256 (RFC 5869). Without a pepper secrets are kept as they are.
 *
 * @throws {TypeError} when the pepper is shorter than 32 bytes.
 */
export function createSecretSeal(pepper: Uint8Array | undefined): SecretSeal {
  if (pepper !== undefined && pepper.length < SHORTEST_PEPPER)
    throw new TypeError(`the pepper has ${pepper.length} bytes; it needs at least ${SHORTEST_PEPPER}`);
  const secretBytes = pepper && Uint8Array.from(pepper);
  let made: Promise<CryptoKey> | undefined;
  const key = (bytes: Uint8Array<ArrayBuffer>) => {
    made ??= deriveKey(bytes);
    return made;
  };
  return {
    async seal(subscriptionId, secret) {
      if (secretBytes === undefined || isSealed(secret)) return secret;
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const sealed = await crypto.subtle.encrypt(howOf(subscriptionId, iv), await key(secretBytes), encoder.encode(secret));
      return PREFIX + toBase64(Uint8Array.from([...iv, ...new Uint8Array(sealed)]));
    },
    async open(subscriptionId, kept) {
      if (!isSealed(kept)) return kept;
      if (secretBytes === undefined) return undefined;
      try {
        const bytes = fromBase64(kept.slice(PREFIX.length));
        const opened = await crypto.subtle.decrypt(howOf(subscriptionId, bytes.slice(0, IV_BYTES)), await key(secretBytes), bytes.slice(IV_BYTES));
        return new TextDecoder().decode(opened);
      } catch {
        return undefined;
      }
    },
  };
}

/** The subscription with all its secrets sealed; itself, when they are already. */
export async function sealSecrets(subscription: Subscription, seal: SecretSeal): Promise<Subscription> {
  const { id, webhook } = subscription;
  if (webhook === undefined) return subscription;
  const secrets = await Promise.all(webhook.secrets.map(async (each) => ({ ...each, secret: await seal.seal(id, each.secret) })));
  const isSame = secrets.every(({ secret }, at) => secret === webhook.secrets[at]?.secret);
  return isSame ? subscription : { ...subscription, webhook: { ...webhook, secrets } };
}

function isSealed(kept: string): boolean {
  return kept.startsWith(PREFIX);
}

function howOf(subscriptionId: string, iv: Uint8Array<ArrayBuffer>) {
  return { name: 'AES-GCM', iv, additionalData: encoder.encode(subscriptionId) };
}

async function deriveKey(pepper: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey('raw', pepper, 'HKDF', false, ['deriveKey']);
  const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: INFO };
  return crypto.subtle.deriveKey(how, base, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}
