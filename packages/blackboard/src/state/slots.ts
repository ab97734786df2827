import type { JsonValue } from '@meshwork/core';
import type { Version } from './board-state.ts';
import { isForgottenKey } from './forgotten.ts';
import type { HeldVersion } from './held-version.ts';
import { KeyIndex } from './key-index.ts';
import { canonicalJson } from './own-json.ts';
import { TextTable } from './text-table.ts';
import { isTombstone } from './winner.ts';

type Group = readonly HeldVersion[];

/** Where an element of a set is held. Keys are well-formed, so none begins with half a surrogate pair. */
export function elementSlot(key: string, element: JsonValue): string {
  return `\ud800${key.length}:${key}${canonicalJson(element)}`;
}

export function slotOf({ key, kind, value }: Version): string {
  return kind === 'added' || kind === 'removed' ? elementSlot(key, value as JsonValue) : key;
}

/** The slot that holds something. */
export function slotOfHeld(held: Held): string {
  return slotOf(isGroup(held) ? (held[0] as HeldVersion) : held);
}

const nothing: Group = [];

/** What a slot holds. */
export type Held = HeldVersion | Group;

export function isGroup(held: Held): held is Group {
  return Array.isArray(held);
}

/** The versions held, by slot: one for a key's register or counter, one for each element of its set. Groups are replaced and never changed. */
export class Slots {
  readonly #groups = new TextTable<Held>(slotOfHeld);
  readonly #sets = new Map<string, { readonly slots: Set<string>; live: number }>();
  /** Slots with several versions: few, so that asking here is quicker than looking at what is held. */
  readonly #several = new Set<string>();
  readonly #keys = new KeyIndex(() => this.#liveKeys());
  readonly tombstones = new Set<HeldVersion>();
  /** Records of forgotten replicas that came or went since somebody looked. */
  readonly touchedRecords = new Set<string>();
  /** Keys that hold something. */
  size = 0;
  versions = 0;

  get(slot: string): Group {
    const group = this.#groups.get(slot);
    return group === undefined ? nothing : isGroup(group) ? group : [group];
  }

  /** As it is held: most keys have one version. */
  held(slot: string): Held | undefined {
    return this.#groups.get(slot);
  }

  /** What the slot of a version that is held holds. */
  heldWith(version: HeldVersion): Held {
    if (this.#several.size === 0) return version;
    const slot = slotOf(version);
    return this.#several.has(slot) ? this.get(slot) : version;
  }

  /** The elements of a key's set, removed ones among them. */
  elementsOf(key: string): Iterable<string> {
    return this.#sets.get(key)?.slots ?? [];
  }

  hasElements(key: string): boolean {
    return this.#sets.size > 0 && this.#sets.has(key);
  }

  versionsOf(key: string): Group {
    if (!this.hasElements(key)) return this.get(key);
    const all = [...this.get(key)];
    for (const slot of this.elementsOf(key)) all.push(...this.get(slot));
    return all;
  }

  *all(): Generator<HeldVersion> {
    for (const group of this.#groups.values()) {
      if (isGroup(group)) yield* group;
      else yield group;
    }
  }

  /** What each slot holds. */
  everything(): Iterable<Held> {
    return this.#groups.values();
  }

  keysFrom(prefix: string, after: string | undefined): Generator<string> {
    return this.#keys.from(prefix, after);
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  clear(): void {
    for (const key of this.#liveKeys()) this.#keys.delete(key);
    this.#groups.clear();
    this.#sets.clear();
    this.#several.clear();
    this.tombstones.clear();
    this.size = 0;
    this.versions = 0;
  }

  /** As `putOnly`, where nothing should be. False when something is: then the slots are to be cleared. */
  putFirst(key: string, version: HeldVersion): boolean {
    if (!this.#groups.set(key, version)) return false;
    this.versions++;
    if (version.origin.isTombstone) this.tombstones.add(version);
    else this.#noteLive(key, true);
    return true;
  }

  /** As `put`, for the one version of a key that is no set. */
  putOnly(key: string, before: HeldVersion | undefined, after: HeldVersion): void {
    const wasLive = before !== undefined && !before.origin.isTombstone;
    const isLive = !after.origin.isTombstone;
    if (before === undefined) this.versions++;
    else if (!wasLive) this.tombstones.delete(before);
    if (!isLive) this.tombstones.add(after);
    this.#groups.set(key, after);
    if (wasLive !== isLive) this.#noteLive(key, isLive);
  }

  put(slot: string, key: string, before: Group, after: Group): void {
    const hadElements = this.#sets.size > 0 && this.#elementsLive(key);
    const wasLive = hadElements || hasValue(slot === key ? before : this.get(key));
    for (const version of before) if (isTombstone(version)) this.tombstones.delete(version);
    for (const version of after) if (isTombstone(version)) this.tombstones.add(version);
    this.versions += after.length - before.length;
    if (slot !== key) this.#putElement(slot, key, before, after);
    if (after.length > 1) this.#several.add(slot);
    else if (before.length > 1) this.#several.delete(slot);
    if (after.length === 0) this.#groups.delete(slot);
    else this.#groups.set(slot, after.length === 1 ? (after[0] as HeldVersion) : after);
    const isLive = (this.#sets.size > 0 && this.#elementsLive(key)) || hasValue(slot === key ? after : this.get(key));
    if (wasLive !== isLive) this.#noteLive(key, isLive);
    else if (isForgottenKey(key)) this.touchedRecords.add(key);
  }

  #noteLive(key: string, isLive: boolean): void {
    if (isForgottenKey(key)) this.touchedRecords.add(key);
    this.size += isLive ? 1 : -1;
    if (isLive) this.#keys.add(key);
    else this.#keys.delete(key);
  }

  #putElement(slot: string, key: string, before: Group, after: Group): void {
    let set = this.#sets.get(key);
    if (set === undefined) {
      set = { slots: new Set(), live: 0 };
      this.#sets.set(key, set);
    }
    set.live += Number(hasValue(after)) - Number(hasValue(before));
    if (after.length > 0) set.slots.add(slot);
    else set.slots.delete(slot);
    if (set.slots.size === 0) this.#sets.delete(key);
  }

  #elementsLive(key: string): boolean {
    return (this.#sets.get(key)?.live ?? 0) > 0;
  }

  #liveKeys(): Set<string> {
    const keys = new Set<string>();
    for (const version of this.all()) if (!isTombstone(version)) keys.add(version.key);
    return keys;
  }
}

function hasValue(group: Group): boolean {
  return group.some((version) => !isTombstone(version));
}
