import type { JsonValue } from '@meshwork/core';

/** A document of one contender: keys and values, that a copy elsewhere takes over as bytes. */
export interface Side {
  set(key: string, value: JsonValue): void;
  /** Where writing one by one takes hours. */
  setAll?(entries: Iterable<readonly [key: string, value: JsonValue]>): void;
  /** How many keys it holds: that nothing was dropped. */
  size(): number;
  /** The whole state. */
  encode(): Uint8Array;
  /** Takes what `answer` or `encode` of another document gave. */
  merge(bytes: Uint8Array): void;
  /** Takes what `encode` gave, where that is another thing. */
  load?(bytes: Uint8Array): void;
  /** What is told to another document, so that it can answer with what is lacked here. */
  ask(): Uint8Array;
  answer(question: Uint8Array): Uint8Array;
}

/** Gives new documents, each with a name of its own. */
export type OpenSide = () => Promise<(name: string) => Side>;
