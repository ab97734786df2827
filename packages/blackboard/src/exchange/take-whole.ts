import { InvalidInputError, UnavailableError } from '@meshwork/core';
import type { Replica } from '../replica/replica.ts';
import type { BoardState, Delta, DeltaEntry, Stamp, Version } from '../state/board-state.ts';
import { isAmong } from '../state/buckets.ts';
import { type Context, emptyCloud, hasSeen, isWithinVector, type VersionVector } from '../state/context.ts';
import { canonicalJson } from '../state/own-json.ts';
import { slotOf } from '../state/slots.ts';
import { isTombstone } from '../state/winner.ts';
import type { Moment } from './moments.ts';

/** What a peer has where it differed from this replica, and how the two were compared. */
export interface TakenWhole {
  /** The peer's groups of the slots that fall in `buckets`, as they are now, and those with deletions beyond what this replica had seen. */
  readonly delta: Delta;
  /** This replica's side of the comparison. */
  readonly moment: Moment;
  readonly buckets: Uint8Array;
  /** What the peer had seen when it compared. */
  readonly upTo: VersionVector;
}

/**
 * Merges all that a peer has, and deletes what it has seen and has no more: for a replica that was away while deletions were forgotten, or that lost what it
 * knew. A delta alone does not tell of what is gone without a trace.
 *
 * Only slots in buckets that differed are brought. What the peer had seen at the comparison (`upTo`) counts as seen all the same, and no more than that: what it came to
 * know afterwards of a slot that was equal is not here. Of the other slots both held the same live versions. What the peer had seen there and holds no more
 * this replica did not hold either; deletions this replica had not seen are brought. What this replica wrote or merged there since then was made on top of what was equal. The one
 * exception is looked for before anything is merged: a version that came since from a third one, and that the peer had seen and forgotten.
 * @throws {UnavailableError} then, and when this replica has another name since: compare again.
 */
export async function takeWhole(replica: Replica, whole: TakenWhole, writer: string): Promise<void> {
  const { delta, buckets, upTo } = whole;
  if (!isWithinVector(upTo, delta.covers.to)) throw new InvalidInputError('a whole state ends before the moment it was compared at; send all of it');
  const theirs = new Map(delta.entries.map((entry) => [slotOfEntry(entry), entry]));
  const given = { entries: delta.entries, context: delta.context, covers: { from: new Map(), to: upTo } };
  const merged = await replica.merge(
    (state) => {
      checkUnchanged(state, whole, theirs);
      return given;
    },
    { isLogged: true },
  );
  if (merged === undefined) throw new UnavailableError('a whole state could not be merged; compare again');
  await replica.merge((state) => repairOf(state, { theirs, context: delta.context, buckets }, () => ({ time: replica.time.next(), writer })));
}

function checkUnchanged(state: BoardState, { moment, buckets, upTo }: TakenWhole, theirs: ReadonlyMap<string, DeltaEntry>): void {
  if (state.replica !== moment.replica) throw new UnavailableError('the replica took another name since it was compared; compare again');
  for (const entry of state.deltaSince(moment.context.vector).delta.entries) {
    const slot = slotOfEntry(entry);
    if (isAmong(buckets, slot) || theirs.has(slot)) continue;
    for (const version of entry.versions) {
      const { replica, counter } = version;
      if (counter > (upTo.get(replica) ?? 0) || isTombstone(version) || hasSeen(moment.context, replica, counter)) continue;
      throw new UnavailableError(`${JSON.stringify(entry.key)} came from elsewhere while two hubs compared, and is gone at one of them; compare again`);
    }
  }
}

interface Repair {
  readonly theirs: ReadonlyMap<string, DeltaEntry>;
  readonly context: Context;
  readonly buckets: Uint8Array;
}

/** Own writes in place of what is held and should not be. */
function repairOf(state: BoardState, { theirs, context, buckets }: Repair, stamp: () => Stamp): Delta | undefined {
  const mine = state.deltaSince(new Map(), { among: { buckets, seen: state.context.vector } }).delta;
  const own = mine.context.vector.get(state.replica) ?? 0;
  const entries: DeltaEntry[] = [];
  for (const entry of mine.entries) {
    const replacement = replacementOf(entry, theirs.get(slotOfEntry(entry)));
    if (replacement === undefined) continue;
    const { key } = entry;
    const counter = own + entries.length + 1;
    entries.push({ key, versions: [{ ...replacement, key, replica: state.replica, counter, ...stamp() }] });
  }
  if (entries.length === 0) return undefined;
  return deltaOfWrites(state, mine, entries, own);

  function replacementOf({ versions }: DeltaEntry, their: DeltaEntry | undefined): Pick<Version, 'kind' | 'value' | 'expiresAt'> | undefined {
    const [first] = versions;
    if (first === undefined) return undefined;
    if (their === undefined) {
      if (versions.every(isTombstone) || !versions.every((version) => hasSeen(context, version.replica, version.counter))) return undefined;
      return first.kind === 'added' || first.kind === 'removed' ? { kind: 'removed', value: first.value } : { kind: 'deleted', value: undefined };
    }
    // One dot for two writes: a backup was brought back, and its name used again. The earlier write is kept, the other one has another name by now.
    for (const version of versions) {
      const twin = their.versions.find(({ replica: name, counter }) => name === version.replica && counter === version.counter);
      if (twin !== undefined && isBefore(twin, version)) return { kind: twin.kind, value: twin.value, expiresAt: twin.expiresAt };
    }
    return undefined;
  }
}

function deltaOfWrites(state: BoardState, { context }: Delta, entries: readonly DeltaEntry[], own: number): Delta {
  const upTo = own + entries.length;
  return {
    entries,
    context: { vector: new Map(context.vector).set(state.replica, upTo), cloud: emptyCloud },
    covers: { from: new Map(own === 0 ? [] : [[state.replica, own]]), to: new Map([[state.replica, upTo]]) },
  };
}

function isBefore(one: Version, other: Version): boolean {
  if (one.time !== other.time) return one.time < other.time;
  return contentOf(one) < contentOf(other);
}

function contentOf({ kind, value, writer }: Version): string {
  return kind + writer + (value === undefined ? '' : canonicalJson(value));
}

function slotOfEntry({ key, versions }: DeltaEntry): string {
  const [first] = versions;
  return first === undefined ? key : slotOf(first);
}
