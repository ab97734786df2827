/** Chance from a seed: the same numbers on every machine and every version of Node. */
export interface Random {
  /** At least 0, less than 1. */
  next(): number;
  /** At least `min`, less than `max`. */
  between(min: number, max: number): number;
  /** A whole number, at least 0, less than `count`. */
  below(count: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** One of them. @throws {RangeError} when there is none. */
  pick<T>(items: readonly T[]): T;
  /** Chance of its own, by name: what is drawn from it moves nothing here. */
  fork(name: string): Random;
}

/** Mulberry32 over an FNV-1a hash of the seed: integers of 32 bits only, so that no engine rounds differently. */
export function createRandom(seed: number | string): Random {
  let state = hashText(`${seed}`);
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count: number) => Math.floor(next() * count);
  return {
    next,
    between: (min, max) => min + next() * (max - min),
    below,
    chance: (probability) => next() < probability,
    pick(items) {
      if (items.length === 0) throw new RangeError('there is nothing to pick from');
      return items[below(items.length)] as (typeof items)[number];
    },
    fork: (name) => createRandom(`${seed}/${name}`),
  };
}

/** FNV-1a. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

export function hashBytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
