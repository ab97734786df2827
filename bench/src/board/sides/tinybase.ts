import { createMergeableStore, type MergeableContent } from 'tinybase';
import type { OpenSide } from '../side.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A row a key, in a mergeable store. It has no difference in bytes of its own: the whole content is the answer. */
export const tinybase: OpenSide = async () => (name) => {
  const store = createMergeableStore(name);
  const encode = () => encoder.encode(JSON.stringify(store.getMergeableContent()));
  return {
    set: (key, value) => void store.setRow('board', key, value as Record<string, string | number>),
    size: () => store.getRowCount('board'),
    encode,
    merge: (bytes) => void store.applyMergeableChanges(JSON.parse(decoder.decode(bytes)) as MergeableContent),
    ask: () => new Uint8Array(),
    answer: encode,
  };
};
