import type { Replica } from '../replica/replica.ts';
import type { BoardState, Delta, DeltaEntry, Stamp, Version } from '../state/board-state.ts';
import { emptyCloud, hasSeen } from '../state/context.ts';
import { canonicalJson } from '../state/own-json.ts';
import { slotOf } from '../state/slots.ts';
import { isTombstone } from '../state/winner.ts';

/**
 * Merges all that a peer has, and deletes what it has seen and has no more: for a replica that was away while deletions were forgotten, or that lost what it
 * knew. A delta alone does not tell of what is gone without a trace.
 */
export async function takeWhole(replica: Replica, whole: Delta, writer: string): Promise<void> {
  const theirs = new Map(whole.entries.map((entry) => [slotOfEntry(entry), entry]));
  await replica.merge(whole, { isLogged: true });
  await replica.merge((state) => repairOf(state, theirs, whole, () => ({ time: replica.time.next(), writer })));
}

/** Own writes in place of what is held and should not be. */
function repairOf(state: BoardState, theirs: ReadonlyMap<string, DeltaEntry>, { context }: Delta, stamp: () => Stamp): Delta | undefined {
  const mine = state.deltaSince(new Map()).delta;
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
