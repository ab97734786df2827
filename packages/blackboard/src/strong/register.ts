import type { JsonValue } from '@meshwork/core';
import { ownJson, type ValueLimits } from '../state/own-json.ts';
import type { StrongReading } from './strong-store.ts';

/**
 * Which of two writes of a register is the later one (Lynch and Shvartsman 1997): the higher number; of equal numbers, which only concurrent writes have, the
 * higher id. Ids are those of writes and not of hubs: a hub that crashed in the middle of a write may choose the same number again for its next.
 */
export interface Tag {
  /** From 1 on. */
  readonly number: number;
  readonly write: string;
}

/** What a member keeps of a key. Data. */
export interface Register {
  readonly key: string;
  readonly tag: Tag;
  /** The value's JSON text; `undefined`: deleted. */
  readonly json: string | undefined;
  readonly writer: string;
  readonly replica: string;
  readonly time: number;
}

/** What a key, a value and a page of them may be. */
export interface RegisterLimits extends ValueLimits {
  /** Characters of a key. */
  readonly maxKeyLength: number;
}

/** Greater than 0 when `one` is the later write. `undefined`, never written, is earlier than all. */
export function compareTags(one: Tag | undefined, other: Tag | undefined): number {
  if (one === undefined || other === undefined) return Number(one !== undefined) - Number(other !== undefined);
  if (one.number !== other.number) return one.number - other.number;
  return Number(one.write > other.write) - Number(one.write < other.write);
}

/** The later of two; the first when they are one write. */
export function laterOf(one: Register | undefined, other: Register | undefined): Register | undefined {
  return compareTags(other?.tag, one?.tag) > 0 ? other : one;
}

export function readingOf({ key, tag, json, writer, replica, time }: Register, limits: RegisterLimits): StrongReading {
  return { key, value: valueIn(json, limits), version: `${tag.number}.${tag.write}`, writer, replica, time };
}

/** The value of a text that is kept, frozen. */
export function valueIn(json: string | undefined, limits: RegisterLimits): JsonValue | undefined {
  // The text was checked when it came; it may be longer than the limits when those have become smaller.
  return json === undefined ? undefined : ownJson(JSON.parse(json), { ...limits, maxValueLength: Number.POSITIVE_INFINITY });
}
