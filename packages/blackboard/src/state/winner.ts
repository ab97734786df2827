import type { Version } from './board-state.ts';

export function isTombstone(version: Version): boolean {
  return version.kind === 'deleted' || version.kind === 'removed';
}

/** Values before deletions, then the later time, then the higher replica and counter: total, and the same wherever it is asked. */
export function byPrecedence(one: Version, other: Version): number {
  if (isTombstone(one) !== isTombstone(other)) return isTombstone(one) ? 1 : -1;
  if (one.time !== other.time) return other.time - one.time;
  if (one.replica !== other.replica) return one.replica > other.replica ? -1 : 1;
  return other.counter - one.counter;
}
