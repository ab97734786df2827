import { encodeValue } from '../drivers/encode-value.ts';
import { ConflictError } from '../errors.ts';
import type { KeyValueStore } from '../key-value-store.ts';
import type { EncryptionKeys } from './encryption-keys.ts';
import { type Place, unpackEnvelope } from './envelope.ts';
import { createValueCipher } from './value-cipher.ts';

export interface RewrapReport {
  /** Keys whose value was made with an older key, and is with the current one now. */
  readonly rewrapped: number;
  /** Keys that had it already, or were written meanwhile. */
  readonly current: number;
}

export interface RewrapOptions {
  readonly keys: EncryptionKeys;
  /** Only keys that begin with it. Default: all. */
  readonly prefix?: string;
  /** Told after each key how many were looked at. */
  readonly onProgress?: (looked: number) => void;
}

/**
 * Brings the values of all keys to the current encryption key, beside whatever writes: `store` is the one underneath, which holds the envelopes.
 * Records of streams stay as they are, since a journal changes nothing: an old key is needed until they are trimmed, or the store is migrated.
 *
 * @throws {DecryptionError} {@link EncryptionKeyError} for a value that cannot be read; those before it are done.
 */
export async function rewrapKeys(store: KeyValueStore, { keys, prefix = '', onProgress = () => {} }: RewrapOptions): Promise<RewrapReport> {
  const cipher = createValueCipher({ keys, valuesPerKey: 2 ** 20 });
  let rewrapped = 0;
  let current = 0;
  for await (const { key: name, value, revision } of store.list(prefix)) {
    const { id } = await keys.current();
    const place: Place = { port: 'key', name };
    const isCurrent = value instanceof Uint8Array && unpackEnvelope(value)?.keyId === id;
    const sealed = isCurrent ? undefined : await cipher.seal(encodeValue(await cipher.open(value, place)), place);
    if (sealed !== undefined && (await replace(store, name, sealed, revision))) rewrapped += 1;
    else current += 1;
    onProgress(rewrapped + current);
  }
  return { rewrapped, current };
}

/** With what is left of its life now. False when it was written, deleted or has expired meanwhile. */
async function replace(store: KeyValueStore, name: string, sealed: Uint8Array, revision: number): Promise<boolean> {
  const entry = await store.get(name);
  if (entry === undefined || entry.revision !== revision) return false;
  try {
    await store.put(name, sealed, { expected: revision, ...(entry.ttlMs !== undefined && { ttlMs: entry.ttlMs }) });
    return true;
  } catch (error) {
    if (error instanceof ConflictError) return false;
    throw error;
  }
}
