import { LoroDoc, VersionVector } from 'loro-crdt';
import type { OpenSide } from '../side.ts';

/** `LoroMap`; writes are committed when somebody asks for them. */
export const loro: OpenSide = async () => () => {
  const doc = new LoroDoc();
  const map = doc.getMap('board');
  return {
    set: (key, value) => map.set(key, value),
    size: () => map.size,
    encode: () => doc.export({ mode: 'snapshot' }),
    merge: (bytes) => void doc.import(bytes),
    ask: () => doc.version().encode(),
    answer: (question) => doc.export({ mode: 'update', from: VersionVector.decode(question) }),
  };
};
