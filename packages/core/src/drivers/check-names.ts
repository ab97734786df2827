import { InvalidInputError } from '../errors.ts';

const MAX_BYTES = 1_024;

/** Refuses what no driver can keep: an empty or too long key or stream name, and one that is not valid Unicode. @throws {InvalidInputError} */
export function checkName(what: 'key' | 'stream', name: string): void {
  if (name === '') throw new InvalidInputError(`the ${what} must not be empty`);
  if (!name.isWellFormed()) throw new InvalidInputError(`the ${what} holds a lone surrogate, which is not valid Unicode`);
  // A UTF-16 unit is at most 3 bytes of UTF-8, so that short names need no encoding.
  if (name.length * 3 > MAX_BYTES && new TextEncoder().encode(name).length > MAX_BYTES)
    throw new InvalidInputError(`the ${what} is longer than ${MAX_BYTES} bytes of UTF-8`);
}

/** The longest time to live: beyond any use, and still exact when it is added to the time of day. */
const MAX_TTL_MS = 2 ** 52;

/** Refuses a time to live that is not a whole number of milliseconds, from 1 on. @throws {InvalidInputError} */
export function checkTtl(ttlMs: number): void {
  if (!Number.isInteger(ttlMs) || ttlMs < 1 || ttlMs > MAX_TTL_MS)
    throw new InvalidInputError(`ttlMs must be a whole number of milliseconds from 1 to 2^52, not ${String(ttlMs)}`);
}

/** Compares by code point, which is the order of the UTF-8 bytes; plain `<` compares UTF-16 units, which is not. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    // Surrogates stand for code points above every other unit.
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
