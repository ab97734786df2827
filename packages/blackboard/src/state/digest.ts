import { hashText, hexOf } from '../hash-text.ts';
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
  return `${count}-${hexOf(high)}${hexOf(low)}`;
}

/** Two hashes of all that a version says. */
export function hashVersion({ key, replica, counter, time, kind, value, writer, expiresAt }: Version): { readonly low: number; readonly high: number } {
  const text =
    JSON.stringify([key, replica, counter, time, kind, writer, ...(expiresAt === undefined ? [] : [expiresAt])]) +
    (value === undefined ? '' : canonicalJson(value));
  return { low: hashText(text, 0xdeadbeef), high: hashText(text, 0x41c6ce57) };
}
