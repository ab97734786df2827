import type { Version } from './board-state.ts';
import { canonicalJson } from './own-json.ts';

/** A sum of hashes, so that order does not matter: equal versions give equal digests. Finds faults, not forgers. */
export function digestOf(versions: Iterable<Version>): string {
  let low = 0;
  let high = 0;
  let count = 0;
  for (const version of versions) {
    const hashes = hashVersion(version);
    low = (low + hashes.low) >>> 0;
    high = (high + hashes.high) >>> 0;
    count++;
  }
  return `${count}-${hex(high)}${hex(low)}`;
}

/** Two hashes of all that a version says. */
export function hashVersion({ key, replica, counter, time, kind, value, writer, expiresAt }: Version): { readonly low: number; readonly high: number } {
  const text =
    JSON.stringify([key, replica, counter, time, kind, writer, ...(expiresAt === undefined ? [] : [expiresAt])]) +
    (value === undefined ? '' : canonicalJson(value));
  return { low: hash(text, 0xdeadbeef), high: hash(text, 0x41c6ce57) };
}

/** FNV-1a with the finish of MurmurHash 3. */
export function hash(text: string, seed: number): number {
  let state = seed;
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
