import { InvalidInputError } from '@meshwork/core';
import type { DeltaEntry, Version } from './board-state.ts';
import { type Context, hasSeen, isWithin, joinContexts, type VersionVector } from './context.ts';
import type { HeldVersion } from './held-version.ts';
import type { Seen } from './seen.ts';
import { type Slots, slotOf } from './slots.ts';

export interface MergeRequest {
  readonly entries: readonly DeltaEntry[];
  readonly context: Context;
  /** What the vector will be; contexts within it need no keeping. */
  readonly after: VersionVector;
  readonly slots: Slots;
  readonly seen: Seen;
  /** Takes what is new of a slot that held nothing. */
  onNew(slot: string, entry: DeltaEntry): void;
  /** Takes what stays of a slot and what comes to it. */
  onChanged(slot: string, key: string, mine: readonly HeldVersion[], kept: readonly HeldVersion[], theirs: readonly Version[]): void;
}

/**
 * The groups that a delta changes: what both hold is kept, and what one holds and the other has not seen. Looks at all entries before the first
 * change, and takes time in proportion to them.
 */
export function mergeGroups({ entries, context, after, slots, seen, onNew, onChanged }: MergeRequest): void {
  const places = checkEntries(entries, context);
  noteOwn(context, seen);
  const isKnown = isWithin(context, after);
  let at = 0;
  for (const entry of entries) {
    const slot = places[at++] as string;
    const { versions } = entry;
    const held = slots.held(slot);
    const beyond = entry.seen;
    const theirContext = beyond === undefined ? context : joinContexts(context, beyond);
    if (beyond !== undefined) noteOwn(beyond, seen);
    const isNew = (version: Version) => !seen.has(slot, version.replica, version.counter);
    if (held === undefined && versions.every(isNew)) onNew(slot, entry);
    else if (held !== undefined || versions.some(isNew)) {
      const mine = slots.get(slot);
      const [theyHold, iHold] = [holderOf(versions), holderOf(mine)];
      const kept = mine.filter((version) => theyHold(version) || !hasSeen(theirContext, version.replica, version.counter));
      const theirs = versions.filter((version) => isNew(version) && !iHold(version));
      if (theirs.length > 0 || kept.length < mine.length) onChanged(slot, entry.key, mine, kept, theirs);
    }
    if (!isKnown || (beyond !== undefined && !isWithin(beyond, after))) seen.noteAhead(slot, theirContext);
  }
}

/** Says of a version whether it is among these. */
function holderOf(versions: readonly Version[]): (version: Version) => boolean {
  if (versions.length < 8) return ({ replica, counter }) => versions.some((version) => version.counter === counter && version.replica === replica);
  const dots = new Set(versions.map(dotOf));
  return (version) => dots.has(dotOf(version));
}

function dotOf({ replica, counter }: Version): string {
  return `${counter}@${replica}`;
}

/** The slot of each entry. */
function checkEntries(entries: readonly DeltaEntry[], context: Context): string[] {
  const places = entries.map((entry) => checkEntry(entry, context));
  if (new Set(places).size < places.length) throw new InvalidInputError('a delta speaks of the same key or element twice; ask for it again');
  return places;
}

function checkEntry({ key, versions, seen }: DeltaEntry, context: Context): string {
  const first = versions[0];
  if (first === undefined) throw new InvalidInputError(`a delta has no version of ${JSON.stringify(key)}; ask for it again`);
  const slot = slotOf(first);
  if (versions.length > 1 && new Set(versions.map(dotOf)).size < versions.length) {
    throw new InvalidInputError(`a delta has a version of ${JSON.stringify(key)} twice; ask for it again`);
  }
  for (const version of versions) {
    if (version.key !== key || (version !== first && slotOf(version) !== slot)) {
      throw new InvalidInputError(`a delta mixes the versions of ${JSON.stringify(key)} with others; ask for it again`);
    }
    const { replica, counter } = version;
    if (!hasSeen(context, replica, counter) && (seen === undefined || !hasSeen(seen, replica, counter))) {
      throw new InvalidInputError(`a delta has a version of ${JSON.stringify(key)} that its sender says it has not seen; ask for it again`);
    }
  }
  return slot;
}

function noteOwn({ vector, cloud }: Context, seen: Seen): void {
  seen.claimed = Math.max(seen.claimed, vector.get(seen.replica) ?? 0);
  for (const counter of cloud.get(seen.replica) ?? []) seen.claimed = Math.max(seen.claimed, counter);
}
