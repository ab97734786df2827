import * as Y from 'yjs';
import type { OpenSide } from '../side.ts';

/** `Y.Map`, each set a transaction of its own. */
export const yjs: OpenSide = async () => () => {
  const doc = new Y.Doc();
  const map = doc.getMap('board');
  return {
    set: (key, value) => void map.set(key, value),
    size: () => map.size,
    encode: () => Y.encodeStateAsUpdate(doc),
    merge: (bytes) => Y.applyUpdate(doc, bytes),
    ask: () => Y.encodeStateVector(doc),
    answer: (question) => Y.encodeStateAsUpdate(doc, question),
  };
};
