import { InvalidInputError } from '@meshwork/core';
import { keepForm, portion } from '../stay-compiled.ts';
import { Adoption } from './adoption.ts';
import type { DeltaEntry, Version } from './board-state.ts';
import { type Context, emptyCloud, hasSeen, isWithin, joinContexts, type VersionVector } from './context.ts';
import { HeldVersion } from './held-version.ts';
import { ReplicaLog } from './replica-log.ts';
import { Seen } from './seen.ts';
import { isGroup, Slots, slotOf } from './slots.ts';

type Group = readonly HeldVersion[];

export interface MergeRequest {
  readonly entries: readonly DeltaEntry[];
  readonly context: Context;
  /** What the vector will be; contexts within it need no keeping. */
  readonly after: VersionVector;
  readonly slots: Slots;
  readonly seen: Seen;
  readonly adoption: Adoption;
  /** Hears of a key before its versions change. */
  onChange?: ((key: string) => void) | undefined;
}

/**
 * Puts the groups of a delta in their slots: what both hold is kept, and what one holds and the other has not seen. Takes time in proportion to the
 * entries. When one of them contradicts the others or the context, all slots are as before.
 * @throws {InvalidInputError} then.
 */
export function mergeGroups(request: MergeRequest): void {
  const merge = new Merge(request);
  try {
    const { length } = request.entries;
    for (let at = 0; at < length; at += portion) merge.take(at, Math.min(at + portion, length));
  } catch (error) {
    merge.undo();
    throw error;
  }
  merge.finish();
}

class Merge {
  readonly #gone: HeldVersion[] = [];
  /** How long the logs were that versions have come to. */
  readonly #lengths = new Map<ReplicaLog, number>();
  #log: ReplicaLog | undefined;
  readonly #wasEmpty: boolean;
  readonly #request: MergeRequest;
  readonly #slots: Slots;
  readonly #seen: Seen;
  readonly #adoption: Adoption;
  /** Those that tell of more than the context does. */
  readonly #beyond: DeltaEntry[] = [];
  /** Lone versions that gave way to one. */
  readonly #replaced: HeldVersion[] = [];
  /** What was in the other slots that held something and have changed. */
  readonly #before = new Map<string, { readonly key: string; readonly group: Group }>();
  /** The replica of the last lone version, and what its component is in their vector and in mine. */
  #replica: string | undefined;
  #theirUpTo = 0;
  #myUpTo = 0;

  constructor(request: MergeRequest) {
    this.#request = request;
    this.#slots = request.slots;
    this.#seen = request.seen;
    this.#adoption = request.adoption;
    this.#wasEmpty = request.slots.isEmpty;
  }

  /** The entries from one place to before another. */
  take(from: number, to: number): void {
    const { entries } = this.#request;
    for (let at = from; at < to; at++) {
      const entry = entries[at] as DeltaEntry;
      if (entry instanceof HeldVersion) this.#takeLone(entry);
      else this.#takeGroup(entry);
    }
  }

  /** What most entries are, by a short way: the only version of a key that held none, or another only one. */
  #takeLone(version: HeldVersion): void {
    const { key, kind, replica, counter } = version;
    const { context, onChange } = this.#request;
    if (replica !== this.#replica) {
      this.#replica = replica;
      this.#theirUpTo = context.vector.get(replica) ?? 0;
      this.#myUpTo = this.#seen.upTo(replica);
    }
    const held = this.#wasEmpty ? undefined : this.#slots.held(key);
    const isSeen = counter <= this.#myUpTo || (this.#seen.hasAhead && this.#seen.has(key, replica, counter));
    const isShort = kind !== 'added' && kind !== 'removed' && (held === undefined || !isGroup(held)) && !this.#slots.hasElements(key);
    // A version that its sender has not superseded stays beside the new one.
    const isBeside = isShort && held !== undefined && !isGroup(held) && !this.#haveTheySeen(held);
    if (!isShort || isBeside || (this.#before.size > 0 && this.#before.has(key)) || isSeen) {
      this.#takeGroup(version);
      return;
    }
    if (counter > this.#theirUpTo && !hasSeen(context, replica, counter)) throw unseen(key);
    if (held !== undefined) {
      if (isGroup(held) || !this.#haveISeen(held)) throw twice(key);
      this.#replaced.push(held);
      this.#gone.push(held);
    }
    onChange?.(key);
    const came = this.#hold(version);
    // An empty state is not asked what it holds: that a key comes twice is found as it is put.
    if (!this.#wasEmpty) this.#slots.putOnly(key, held, came);
    else if (!this.#slots.putFirst(key, came)) throw twice(key);
  }

  /** Most are of the same replica as the one that comes. */
  #haveTheySeen({ replica, counter }: HeldVersion): boolean {
    return (counter <= this.#theirUpTo && replica === this.#replica) || hasSeen(this.#request.context, replica, counter);
  }

  #haveISeen({ key, replica, counter }: HeldVersion): boolean {
    return (counter <= this.#myUpTo && replica === this.#replica) || this.#seen.has(key, replica, counter);
  }

  #takeGroup(entry: DeltaEntry): void {
    const { context, slots, seen, onChange } = this.#request;
    const { key, versions, seen: beyond } = entry;
    const slot = checkEntry(entry, context);
    if (beyond !== undefined) this.#beyond.push(entry);
    const held = slots.held(slot);
    // What is held and not seen has come with this delta.
    const first = held !== undefined && isGroup(held) ? held[0] : held;
    if (this.#before.has(slot) || (first !== undefined && !seen.has(slot, first.replica, first.counter))) throw twice(key);
    const mine = slots.get(slot);
    const theirContext = beyond === undefined ? context : joinContexts(context, beyond);
    const [theyHold, iHold] = [holderOf(versions), holderOf(mine)];
    const kept = mine.filter((version) => theyHold(version) || !hasSeen(theirContext, version.replica, version.counter));
    const theirs = versions.filter((version) => !seen.has(slot, version.replica, version.counter) && !iHold(version));
    if (theirs.length === 0 && kept.length === mine.length) return;
    onChange?.(key);
    const group = [...theirs.map((version) => this.#hold(version)), ...kept];
    for (const version of mine) if (!kept.includes(version)) this.#gone.push(version);
    if (mine.length > 0) this.#before.set(slot, { key, group: mine });
    slots.put(slot, key, mine, group);
  }

  undo(): void {
    const slots = this.#slots;
    if (this.#wasEmpty) slots.clear();
    for (const [log, length] of this.#lengths) {
      const came = log.cut(length);
      if (this.#wasEmpty) continue;
      for (const version of came) slots.put(slotOf(version), version.key, slots.get(slotOf(version)), []);
    }
    for (const version of this.#replaced) slots.put(version.key, version.key, [], [version]);
    for (const [slot, { key, group }] of this.#before) slots.put(slot, key, slots.get(slot), group);
  }

  finish(): void {
    for (const log of this.#lengths.keys()) log.settle();
    for (const version of this.#gone) version.origin.log.drop(version);
    this.#noteSeen();
  }

  #hold(version: Version): HeldVersion {
    const held = this.#adoption.hold(version);
    const { log } = held.origin;
    if (log !== this.#log) {
      this.#log = log;
      if (!this.#lengths.has(log)) this.#lengths.set(log, log.length);
    }
    log.append(held);
    return held;
  }

  /** Of each slot what the delta has seen, where the vector does not say it. */
  #noteSeen(): void {
    const { entries, context, after, seen } = this.#request;
    noteOwn(context, seen);
    const isKnown = isWithin(context, after);
    for (const entry of isKnown ? this.#beyond : entries) {
      const beyond = entry.seen;
      if (beyond !== undefined) noteOwn(beyond, seen);
      if (isKnown && (beyond === undefined || isWithin(beyond, after))) continue;
      seen.noteAhead(slotOf(entry.versions[0] as Version), beyond === undefined ? context : joinContexts(context, beyond));
    }
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

/** The slot of an entry. */
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
    if (!hasSeen(context, replica, counter) && (seen === undefined || !hasSeen(seen, replica, counter))) throw unseen(key);
  }
  return slot;
}

function noteOwn({ vector, cloud }: Context, seen: Seen): void {
  seen.claimed = Math.max(seen.claimed, vector.get(seen.replica) ?? 0);
  for (const counter of cloud.get(seen.replica) ?? []) seen.claimed = Math.max(seen.claimed, counter);
}

function unseen(key: string): InvalidInputError {
  return new InvalidInputError(`a delta has a version of ${JSON.stringify(key)} that its sender says it has not seen; ask for it again`);
}

function twice(key: string): InvalidInputError {
  return new InvalidInputError(`a delta speaks of ${JSON.stringify(key)}, or of an element of it, twice; ask for it again`);
}

keepForm(
  new Merge({
    entries: [],
    context: { vector: new Map(), cloud: emptyCloud },
    after: new Map(),
    slots: new Slots(),
    seen: new Seen(''),
    adoption: new Adoption(() => new ReplicaLog('')),
  }),
);
