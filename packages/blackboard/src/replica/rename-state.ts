import type { BoardState, DeltaEntry, Version } from '../state/board-state.ts';
import { emptyCloud } from '../state/context.ts';

/** How a replica goes on under another name. */
export interface Renaming {
  /** The new state, empty. */
  readonly into: BoardState;
  /**
   * Of the writes under the old name only the first so many stand; those after become writes under the new name. For a replica whose name has been in use elsewhere
   * since: its later writes have dots that others know as something else. Default: all stand.
   */
  readonly keep?: number;
  /** The own totals of counters, by key, as they were after the first `keep` writes, where later writes have taken their place. */
  readonly totals?: readonly Version[];
}

/** Brings all of a state into an empty one of another name. Gives the same for equal states, so that a log needs to keep no more of it than its arguments. */
export function renameState(from: BoardState, { into, keep = Number.MAX_SAFE_INTEGER, totals = [] }: Renaming): void {
  const { delta } = from.deltaSince(new Map());
  const isMoved = (version: Version) => version.replica === from.replica && version.counter > keep;
  const moved = delta.entries.flatMap(({ versions }) => versions.filter(isMoved)).sort((one, other) => one.counter - other.counter);
  const counters = new Map(moved.map(({ counter }, at) => [counter, at + 1]));
  const before = new Map(totals.map((version) => [version.key, version]));

  const move = (version: Version): readonly Version[] => {
    if (!isMoved(version)) return [version];
    const total = version.kind === 'count' ? before.get(version.key) : undefined;
    const value = total === undefined ? version.value : (version.value as number) - (total.value as number);
    const own: Version = { ...plain(version), replica: into.replica, counter: counters.get(version.counter) ?? 0, value };
    return total === undefined ? [own] : [total, own];
  };
  const entries = delta.entries.map((entry): DeltaEntry => ({ ...entry, versions: entry.versions.flatMap(move) }));
  const vector = new Map(delta.context.vector);
  if (keep === 0) vector.delete(from.replica);
  else if ((vector.get(from.replica) ?? 0) > keep) vector.set(from.replica, keep);
  if (moved.length > 0) vector.set(into.replica, moved.length);
  into.merge({ entries, context: { vector, cloud: emptyCloud }, covers: { from: new Map(), to: vector } });
}

function plain({ key, replica, counter, time, kind, value, writer, expiresAt }: Version): Version {
  return { key, replica, counter, time, kind, value, writer, expiresAt };
}
