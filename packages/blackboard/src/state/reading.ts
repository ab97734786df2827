import type { JsonValue } from '@meshwork/core';
import type { Reading, Version } from './board-state.ts';
import { canonicalJson } from './own-json.ts';
import { byPrecedence, isTombstone } from './winner.ts';

export type Family = 'register' | 'counter' | 'set';

export function familyOf({ kind }: Version): Family {
  if (kind === 'count') return 'counter';
  return kind === 'added' || kind === 'removed' ? 'set' : 'register';
}

/** What the only version of a key reads as, that is no element of a set. */
export function readLone(version: Version): Reading {
  return { key: version.key, value: isTombstone(version) ? undefined : version.value, version, conflicts: 0 };
}

/** What all versions of a key read as together; the kind of the winner says how. */
export function readVersions(key: string, versions: readonly Version[]): Reading | undefined {
  const first = versions[0];
  if (first === undefined) return undefined;
  if (versions.length === 1 && first.kind !== 'added') return readLone(first);
  const winner = versions.reduce((best, version) => (byPrecedence(version, best) < 0 ? version : best));
  const family = familyOf(winner);
  if (family === 'register') {
    return { key, value: isTombstone(winner) ? undefined : winner.value, version: winner, conflicts: versions.length - 1 };
  }
  const others = versions.filter((version) => !isTombstone(version) && familyOf(version) !== family);
  const ours = versions.filter((version) => familyOf(version) === family);
  const value = isTombstone(winner) ? undefined : family === 'counter' ? sumOf(ours) : elementsOf(ours);
  return { key, value, version: winner, conflicts: others.length };
}

/** Whether a reader would see a difference. */
export function readsTheSame(one: Reading | undefined, other: Reading | undefined): boolean {
  if (one === undefined || other === undefined) return one?.value === other?.value;
  const [before, after] = [one.version, other.version];
  if (one.conflicts !== other.conflicts || before.kind !== after.kind) return false;
  if (before === after && before.kind === 'value') return true;
  return before.counter === after.counter && before.replica === after.replica && JSON.stringify(one.value) === JSON.stringify(other.value);
}

function sumOf(versions: readonly Version[]): number {
  // Totals are safe integers, their sum may not be: then it is the nearest number, the same one everywhere.
  const sum = versions.reduce((total, { value }) => total + BigInt(value as number), 0n);
  return Number(sum);
}

function elementsOf(versions: readonly Version[]): JsonValue {
  const elements = new Map<string, JsonValue>();
  for (const { kind, value } of versions) if (kind === 'added') elements.set(canonicalJson(value as JsonValue), value as JsonValue);
  const sorted = [...elements].sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.freeze(sorted.map(([, element]) => element));
}
