import { createCipheriv, createDecipheriv, createPrivateKey, createPublicKey, generateKeyPairSync, hkdfSync, randomBytes, sign } from 'node:crypto';
import { ConflictError, type JsonObject, type KeyValueStore, UnavailableError } from '@meshwork/core';
import { type AuditSigner, verifierKeyOf } from './signed-note.ts';

export interface StoredSignerOptions {
  /** Where the key is kept. The first use of a store makes one. */
  readonly store: KeyValueStore;
  /** The key's name, by convention that of the log. It is fixed when the key is made. */
  readonly name: string;
  /** Secret bytes that are not in the store, so that the store alone cannot sign. Default: the key is kept in clear. */
  readonly pepper?: Uint8Array;
}

interface StoredKey {
  readonly name: string;
  readonly public: string;
  /** PKCS #8 in base64; or, with `sealed`, nonce, tag and ciphertext. */
  readonly secret: string;
  readonly sealed: boolean;
}

const KEY = 'audit/signing-key';
/** Keys that were made and are not in use yet. */
const NEXT = 'audit/next-signing-key/';
const INFO = 'meshwork audit key 1';

/** Keeps the keys a log is signed with. Public keys as `verifierKeyOf` writes them. */
export interface KeyKeeper {
  /** The signer with that key; default: the one in use. @throws {UnavailableError} when it is not here, or cannot be opened. */
  open(publicKey?: string): Promise<AuditSigner>;
  /** Makes another of the same name, beside the one in use. */
  make(): Promise<AuditSigner>;
  /** From now on it is the one in use; the private key of the one before is dropped. */
  adopt(publicKey: string): Promise<void>;
}

/**
 * The keys a log's checkpoints are signed with: the first is made with the first use, and all are kept in the store, sealed with AES-256-GCM (NIST
 * SP 800-38D) by a key made of the pepper with HKDF-SHA-256 (RFC 5869). All hubs of the store have the same.
 */
export function createStoredKeys({ store, name, pepper }: StoredSignerOptions): KeyKeeper {
  const placeOf = (publicKey: string) => `${NEXT}${Buffer.from(publicKey).toString('base64url')}`;
  const current = async () => {
    for (;;) {
      const entry = await store.get(KEY);
      if (entry !== undefined) return { revision: entry.revision, stored: entry.value as unknown as StoredKey };
      try {
        await store.put(KEY, makeKey(name, pepper) as unknown as JsonObject, { expected: 0 });
      } catch (error) {
        // Another hub of this store was first: its key is the one.
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  };
  const textOf = (stored: StoredKey) => verifierKeyOf({ name: stored.name, publicKey: Buffer.from(stored.public, 'base64') });
  return {
    async open(publicKey) {
      const { stored } = await current();
      if (publicKey === undefined || textOf(stored) === publicKey) return signerOf(stored, pepper);
      const next = await store.get(placeOf(publicKey));
      if (next === undefined)
        throw new UnavailableError(`the log's key was replaced by ${publicKey}, whose private key is not in this store; restore the store, or replace the key`);
      return signerOf(next.value as unknown as StoredKey, pepper);
    },
    async make() {
      const { stored } = await current();
      const made = makeKey(stored.name, pepper);
      await store.put(placeOf(textOf(made)), made as unknown as JsonObject, { expected: 0 });
      return signerOf(made, pepper);
    },
    async adopt(publicKey) {
      const { stored, revision } = await current();
      const next = await store.get(placeOf(publicKey));
      if (next !== undefined && textOf(stored) !== publicKey) {
        try {
          await store.put(KEY, next.value, { expected: revision });
        } catch (error) {
          // Another hub does the same.
          if (!(error instanceof ConflictError)) throw error;
          return;
        }
      }
      await store.delete(placeOf(publicKey));
    },
  };
}

/**
 * The key of `createStoredKeys` that is in use.
 *
 * @throws {UnavailableError} when the key was sealed with a pepper that is not this one.
 */
export function openStoredSigner(options: StoredSignerOptions): Promise<AuditSigner> {
  return createStoredKeys(options).open();
}

function makeKey(name: string, pepper: Uint8Array | undefined): StoredKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const secret = privateKey.export({ format: 'der', type: 'pkcs8' });
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  return {
    name,
    public: raw.toString('base64'),
    secret: (pepper === undefined ? secret : seal(secret, name, pepper)).toString('base64'),
    sealed: pepper !== undefined,
  };
}

function signerOf({ name, public: publicText, secret, sealed }: StoredKey, pepper: Uint8Array | undefined): AuditSigner {
  const bytes = Buffer.from(secret, 'base64');
  const key = createPrivateKey({ key: sealed ? unseal(bytes, name, pepper) : bytes, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  if (publicKey.toString('base64') !== publicText)
    throw new UnavailableError('the key for checkpoints in the store is damaged; restore the store, or delete the key');
  return { name, publicKey, sign: (text) => sign(null, text, key) };
}

function seal(secret: Uint8Array, name: string, pepper: Uint8Array): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(pepper), nonce).setAAD(Buffer.from(name));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

function unseal(bytes: Buffer, name: string, pepper: Uint8Array | undefined): Buffer {
  if (pepper === undefined) throw new UnavailableError('the key for checkpoints is sealed with a pepper; start the hub with the one it had');
  try {
    const decipher = createDecipheriv('aes-256-gcm', sealingKey(pepper), bytes.subarray(0, 12), { authTagLength: 16 }).setAAD(Buffer.from(name));
    decipher.setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
  } catch (cause) {
    throw new UnavailableError('the key for checkpoints was sealed with another pepper; start the hub with the one it had', { cause });
  }
}

function sealingKey(pepper: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', pepper, new Uint8Array(), INFO, 32));
}
