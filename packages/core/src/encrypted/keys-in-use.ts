import type { StoredValue } from '../journal.ts';
import type { Store } from '../key-value-store.ts';
import { unpackEnvelope } from './envelope.ts';

/** What is left that one encryption key was used for. */
export interface KeyUse {
  /** Keys whose value it opens. */
  readonly values: number;
  /** Records it opens, and the streams they are in. */
  readonly records: number;
  readonly streams: number;
}

/**
 * Reads a whole store to say which encryption keys it needs, by their ids: one that is not among them can be thrown away. `store` is the one
 * underneath, which holds the envelopes. Values that are not encrypted are not counted. The changes that engines keep for watchers which come back
 * are not read.
 */
export async function encryptionKeysInUse(
  store: Store,
  { onProgress = () => {} }: { readonly onProgress?: (read: number) => void } = {},
): Promise<ReadonlyMap<string, KeyUse>> {
  const uses = new Map<string, { values: number; records: number; streams: number }>();
  let read = 0;
  const useOf = (value: StoredValue) => {
    read += 1;
    onProgress(read);
    const id = value instanceof Uint8Array ? unpackEnvelope(value)?.keyId : undefined;
    if (id === undefined) return undefined;
    const use = uses.get(id) ?? { values: 0, records: 0, streams: 0 };
    uses.set(id, use);
    return use;
  };
  for await (const { value } of store.list('')) {
    const use = useOf(value);
    if (use !== undefined) use.values += 1;
  }
  for await (const stream of store.streams()) {
    const ofStream = new Set<{ streams: number }>();
    for await (const { value } of store.read(stream)) {
      const use = useOf(value);
      if (use === undefined) continue;
      use.records += 1;
      ofStream.add(use);
    }
    for (const use of ofStream) use.streams += 1;
  }
  return uses;
}
