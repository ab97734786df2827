import { encodeValue } from '../drivers/encode-value.ts';
import type { StoredValue } from '../journal.ts';
import type { Store } from '../key-value-store.ts';
import type { EncryptionKeys } from './encryption-keys.ts';
import type { Place } from './envelope.ts';
import { createTurns } from './turns.ts';
import { createValueCipher } from './value-cipher.ts';

export interface EncryptStoreOptions {
  readonly keys: EncryptionKeys;
  /** Values sealed with one derived key before the next is derived: 1 to 2^32. Default 2^20. */
  readonly valuesPerKey?: number;
}

/** Records of one append that are sealed at a time. */
const SEALED_AT_ONCE = 1_000;

/**
 * A store whose values are encrypted where they are kept: AES-256-GCM, bound to their key or stream, so that whoever can write to the engine can
 * neither read nor change them, nor put one in the place of another name's. Names of keys and streams, times, sizes and revisions stay in clear. What
 * is not bound: that a value is its name's newest, that no record is left out or in another order than it was appended.
 *
 * Its methods throw, besides what the port's do, {@link DecryptionError} for what was tampered with and {@link EncryptionKeyError} for a key that is not there.
 */
export function encryptStore(store: Store, { keys, valuesPerKey = 2 ** 20 }: EncryptStoreOptions): Store {
  if (!Number.isInteger(valuesPerKey) || valuesPerKey < 1 || valuesPerKey > 2 ** 32) throw new TypeError('valuesPerKey must be a whole number from 1 to 2^32');
  const cipher = createValueCipher({ keys, valuesPerKey });
  const turns = createTurns();
  const key = (name: string): Place => ({ port: 'key', name });
  const stream = (name: string): Place => ({ port: 'stream', name });
  const opened = async <T extends { readonly value: StoredValue }>(item: T, place: Place): Promise<T> => ({
    ...item,
    value: await cipher.open(item.value, place),
  });
  const sealAll = async (values: readonly ReturnType<typeof encodeValue>[], place: Place): Promise<Uint8Array[]> => {
    const sealed: Uint8Array[] = [];
    for (let from = 0; from < values.length; from += SEALED_AT_ONCE)
      for (const one of await Promise.all(values.slice(from, from + SEALED_AT_ONCE).map((value) => cipher.seal(value, place)))) sealed.push(one);
    return sealed;
  };
  const past = store.appendPast?.bind(store);

  return {
    ...(store.durability !== undefined && { durability: store.durability }),
    async get(name) {
      const entry = await turns.next(() => store.get(name));
      return entry && opened(entry, key(name));
    },
    async put(name, value, options) {
      const sealing = cipher.seal(encodeValue(value), key(name));
      return turns.after(sealing, (sealed) => store.put(name, sealed, options));
    },
    delete: (name, options) => turns.next(() => store.delete(name, options)),
    async *list(prefix, options) {
      for await (const entry of store.list(prefix, options)) yield opened(entry, key(entry.key));
    },
    watch: (prefix, options) => turns.begin(store.watch(prefix, options), async (change) => (change.type === 'put' ? opened(change, key(change.key)) : change)),
    async append(name, values, options) {
      const sealing = sealAll(values.map(encodeValue), stream(name));
      return turns.after(sealing, (sealed) => store.append(name, sealed, options));
    },
    ...(past && {
      async appendPast(name, records, options) {
        const sealing = sealAll(
          records.map(({ value }) => encodeValue(value)),
          stream(name),
        );
        const times = records.map(({ time }) => time);
        return turns.after(sealing, (sealed) =>
          past(
            name,
            sealed.map((value, index) => ({ value, time: times[index] ?? 0 })),
            options,
          ),
        );
      },
    }),
    async *read(name, options) {
      for await (const record of store.read(name, options)) yield opened(record, stream(name));
    },
    follow: (name, options) => turns.begin(store.follow(name, options), (record) => opened(record, stream(name))),
    head: (name) => store.head(name),
    streams: (prefix) => store.streams(prefix),
    trim: (name, before) => turns.next(() => store.trim(name, before)),
    close: () => store.close(),
  };
}
