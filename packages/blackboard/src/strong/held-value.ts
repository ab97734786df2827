import { type KeyValueEntry, StoreFormatError } from '@meshwork/core';
import type { Register } from './register.ts';

/** What a key of the store holds: a value or its deletion, which write it is of, and which write it replaced. */
export interface HeldValue extends Omit<Register, 'key' | 'tag'> {
  readonly write: string;
  /** The write before; `undefined`: there was none. */
  readonly before: string | undefined;
}

/** A held value where it was found. */
export interface FoundValue extends HeldValue {
  readonly revision: number;
}

/** The value as the store keeps it. A JSON text inside of JSON, for not every store tells `__proto__` from other members. */
export function storedOf({ write, before, json, writer, replica, time }: HeldValue) {
  return {
    write,
    writer,
    replica,
    time,
    ...(before !== undefined && { before }),
    ...(json !== undefined && { json }),
  };
}

/** @throws {StoreFormatError} when the key holds something else. */
export function foundIn({ key, value, revision }: KeyValueEntry): FoundValue {
  const { write, before, json, writer, replica, time } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const isText = (part: unknown): part is string => typeof part === 'string';
  const isTextOrNothing = (part: unknown): part is string | undefined => part === undefined || isText(part);
  if (!isText(write) || !isTextOrNothing(before) || !isTextOrNothing(json) || !isText(writer) || !isText(replica) || typeof time !== 'number')
    throw new StoreFormatError(`the key ${JSON.stringify(key)} holds no value of a board; something else writes under its prefix`);
  return { write, before, json, writer, replica, time, revision };
}
