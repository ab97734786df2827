import type { JsonValue } from '@meshwork/core';
import type { OpenSide } from '../side.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A `Map` and JSON, which knows nothing of replicas: the floor. */
export const plainMap: OpenSide = async () => () => {
  const map = new Map<string, JsonValue>();
  const encode = () => encoder.encode(JSON.stringify([...map]));
  return {
    set: (key, value) => void map.set(key, value),
    size: () => map.size,
    encode,
    merge(bytes) {
      for (const [key, value] of JSON.parse(decoder.decode(bytes)) as [string, JsonValue][]) map.set(key, value);
    },
    ask: () => new Uint8Array(),
    answer: encode,
  };
};
