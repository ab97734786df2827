import { ConflictError, InvalidInputError, type JsonValue } from '@meshwork/core';
import { Adoption } from './adoption.ts';
import type { BoardState, Change, Delta, DeltaEntry, DeltaPart, ForgottenReplicas, MergeOptions, Reading, Stamp, Version, VersionKind } from './board-state.ts';
import { summaryOf } from './buckets.ts';
import { type Context, emptyCloud, type VersionVector } from './context.ts';
import { digestOf } from './digest.ts';
import { dropForgotten, textsOf } from './drop-forgotten.ts';
import { recordKey } from './forgotten.ts';
import { type ForgottenRecord, writeRecord } from './forgotten-record.ts';
import { createForgottenReplicas } from './forgotten-replicas.ts';
import { type HeldVersion, holdVersion } from './held-version.ts';
import { mergeGroups } from './merge-groups.ts';
import { checkName } from './names.ts';
import { JsonCopier, type ValueLimits } from './own-json.ts';
import { takePage } from './page.ts';
import { type Family, familyOf, readLone, readsTheSame, readVersions } from './reading.ts';
import { ReplicaLog } from './replica-log.ts';
import { Seen } from './seen.ts';
import { elementSlot, type Held, isGroup, Slots, slotOf } from './slots.ts';
import { byPrecedence, isTombstone } from './winner.ts';
import { LoneWriteDelta, WriteDelta } from './write-delta.ts';

export interface BoardStateOptions {
  /** This replica's name: never the name of another one, and never used again by one that has lost its writes. */
  readonly replica: string;
  /** Characters of a key. Default 1,024. */
  readonly maxKeyLength?: number;
  /** Characters of a value's JSON, about. Default 1,048,576. */
  readonly maxValueLength?: number;
}

/** The state of one replica of a board, empty; `merge` brings back what was kept. */
export function createBoardState({ replica, maxKeyLength = 1_024, maxValueLength = 1_048_576 }: BoardStateOptions): BoardState {
  return new State(replica, maxKeyLength, { maxValueLength, maxDepth: 64 });
}

class State implements BoardState {
  readonly replica: string;
  readonly #maxKeyLength: number;
  readonly #json: JsonCopier;
  readonly #slots = new Slots();
  readonly #seen: Seen;
  readonly #logs = new Map<string, ReplicaLog>();
  readonly #own: ReplicaLog;
  readonly forgotten: ForgottenReplicas;
  readonly #adoption = new Adoption((replica) => this.#logOf(replica));

  constructor(replica: string, maxKeyLength: number, limits: ValueLimits) {
    this.#maxKeyLength = maxKeyLength;
    this.#json = new JsonCopier(limits);
    checkName(replica, 'the name of a replica');
    this.replica = replica;
    this.#seen = new Seen(replica);
    this.forgotten = createForgottenReplicas(this.#seen);
    this.#own = this.#logOf(replica);
  }

  get context(): Context {
    const { vector } = this.#seen;
    const cloud = new Map<string, ReadonlySet<number>>();
    for (const log of this.#logs.values()) {
      const ahead = [...log.above(vector.get(log.replica) ?? 0)];
      if (ahead.length > 0) cloud.set(log.replica, new Set(ahead.map(({ counter }) => counter)));
    }
    return { vector, cloud };
  }

  get size(): number {
    return this.#slots.size;
  }

  get versions(): number {
    return this.#slots.versions;
  }

  read(key: string): Reading | undefined {
    const held = this.#slots.held(key);
    const isLone = (held === undefined || !isGroup(held)) && !this.#slots.hasElements(key);
    return isLone ? held && readLone(held) : readVersions(key, this.#slots.versionsOf(key));
  }

  versionsOf(key: string): readonly Version[] {
    return [...this.#slots.versionsOf(key)].sort(byPrecedence);
  }

  *list(prefix: string, { after, limit = Number.POSITIVE_INFINITY }: { readonly after?: string; readonly limit?: number } = {}): Generator<Reading> {
    let left = limit;
    if (left <= 0) return;
    for (const key of this.#slots.keysFrom(prefix, after)) {
      const reading = this.read(key);
      if (reading?.value === undefined) continue;
      yield reading;
      if (--left <= 0) return;
    }
  }

  set(key: string, value: JsonValue, stamp: Stamp): Delta {
    const held = this.#slots.held(key);
    const hasElements = this.#slots.hasElements(key);
    // What most writes are: the only version of a key that is no set.
    if (!hasElements && (held === undefined || (!isGroup(held) && held.origin.isRegister))) {
      if (held === undefined) checkName(key, 'a key', this.#maxKeyLength);
      const copied = this.#json.copy(value);
      const first = this.#begin(stamp);
      const version = this.#next(key, 'value', copied, stamp);
      this.#slots.putOnly(key, held, version);
      if (held !== undefined) held.origin.log.drop(held);
      const ahead = this.#seen.aheadOf(key);
      return ahead === undefined ? new LoneWriteDelta(version, this.#seen.others) : this.#deltaOf([{ key, versions: [version], seen: ahead }], first);
    }
    this.#checkKey(key, 'register');
    const copied = this.#json.copy(value);
    const first = this.#begin(stamp);
    const entries = [this.#replace(key, key, 'value', copied, stamp)];
    if (hasElements) this.#removeElements(key, stamp, entries);
    return this.#deltaOf(entries, first);
  }

  delete(key: string, stamp: Stamp): Delta | undefined {
    const reading = this.read(key);
    if (reading === undefined || isTombstone(reading.version)) return undefined;
    const first = this.#begin(stamp);
    const entries: DeltaEntry[] = [];
    if (this.#slots.get(key).some((version) => !isTombstone(version))) entries.push(this.#replace(key, key, 'deleted', undefined, stamp));
    this.#removeElements(key, stamp, entries);
    this.#noteRecords();
    return this.#deltaOf(entries, first);
  }

  forget(record: ForgottenRecord, stamp: Stamp): Delta {
    const key = recordKey(stamp.time, this.replica);
    if (this.#slots.held(key) !== undefined) throw new InvalidInputError(`there is a record of the time ${stamp.time} already; take a later one`);
    const delta = this.set(key, writeRecord(record), stamp);
    this.#noteRecords();
    return delta;
  }

  holdsOf(replica: string): boolean {
    return this.#logs.get(replica)?.above(0).next().done === false;
  }

  increment(key: string, by: number, stamp: Stamp): Delta {
    this.#checkKey(key, 'counter');
    const present = this.#slots.get(key);
    const mine = present.find(({ kind, origin }) => kind === 'count' && origin.log === this.#own);
    const total = ((mine?.value as number | undefined) ?? 0) + by;
    if (!Number.isSafeInteger(by) || !Number.isSafeInteger(total)) {
      throw new InvalidInputError(`incrementing by ${by} leads to ${total}: counters count in whole numbers up to ${Number.MAX_SAFE_INTEGER}`);
    }
    const first = this.#begin(stamp);
    const others = present.filter((version) => version !== mine && version.kind !== 'deleted');
    return this.#deltaOf([this.#replace(key, key, 'count', total, stamp, others)], first);
  }

  add(key: string, element: JsonValue, stamp: Stamp): Delta {
    this.#checkKey(key, 'set');
    const copied = this.#json.copy(element);
    const first = this.#begin(stamp);
    return this.#deltaOf([this.#replace(elementSlot(key, copied), key, 'added', copied, stamp)], first);
  }

  remove(key: string, element: JsonValue, stamp: Stamp): Delta | undefined {
    this.#checkKey(key, 'set');
    const copied = this.#json.copy(element);
    const slot = elementSlot(key, copied);
    if (!this.#slots.get(slot).some(({ kind }) => kind === 'added')) return undefined;
    const first = this.#begin(stamp);
    return this.#deltaOf([this.#replace(slot, key, 'removed', copied, stamp)], first);
  }

  deltaSince(
    since: VersionVector,
    { maxBytes = Number.POSITIVE_INFINITY, among }: { readonly maxBytes?: number; readonly among?: DeltaPart | undefined } = {},
  ): { delta: Delta; isLast: boolean } {
    this.#seen.sweep();
    const { vector } = this.#seen;
    const { held, from, to, isLast } = takePage({ logs: this.#logs, slots: this.#slots, vector, since, maxBytes, among });
    const entries = held.map((one) => this.#entryOf(one));
    return { delta: { entries, context: { vector, cloud: emptyCloud }, covers: { from, to } }, isLast };
  }

  merge(delta: Delta, { changes = true }: MergeOptions = {}): readonly Change[] {
    const { context, covers, entries } = delta;
    const before = new Map<string, Reading | undefined>();
    const note = (key: string) => {
      if (!before.has(key)) before.set(key, this.read(key));
    };
    mergeGroups({
      entries,
      context,
      after: this.#seen.after(covers),
      slots: this.#slots,
      seen: this.#seen,
      adoption: this.#adoption,
      onChange: changes ? note : undefined,
    });
    const { own } = this.#seen;
    this.#noteRecords(changes ? note : undefined);
    this.#seen.advance(covers);
    if (own < this.#seen.own && own < this.#seen.forgotten.upTo(this.replica)) this.#dropForgotten(changes ? note : undefined);
    return this.#changesSince(before);
  }

  collect(stable: VersionVector): number {
    let collected = 0;
    for (const version of [...this.#slots.tombstones]) {
      // Only what the vector has: what a single key has seen is forgotten with the key.
      const limit = Math.min(stable.get(version.replica) ?? 0, this.#seen.vector.get(version.replica) ?? 0);
      if (version.counter > limit) continue;
      const slot = slotOf(version);
      const group = this.#slots.get(slot);
      this.#slots.put(
        slot,
        version.key,
        group,
        group.filter((other) => other !== version),
      );
      version.origin.log.drop(version);
      collected++;
    }
    return collected;
  }

  digest(): string {
    return digestOf(this.#live());
  }

  summary(buckets: number): Uint32Array {
    return summaryOf(this.#slots.everything(), buckets);
  }

  /** Goes by the records that came or went. */
  #noteRecords(onChange?: (key: string) => void): void {
    const { touchedRecords } = this.#slots;
    // A record may be among what another one says is forgotten.
    while (touchedRecords.size > 0) {
      let isMore = false;
      for (const key of touchedRecords) isMore = this.#seen.forgotten.put(key, textsOf(this.#slots.get(key))) || isMore;
      touchedRecords.clear();
      if (!isMore) return;
      this.#seen.forget();
      this.#dropForgotten(onChange);
    }
  }

  #dropForgotten(onChange?: (key: string) => void): void {
    dropForgotten({ logs: this.#logs, slots: this.#slots, seen: this.#seen, onChange });
  }

  *#live(): Generator<Version> {
    for (const version of this.#slots.all()) if (!isTombstone(version)) yield version;
  }

  #changesSince(before: ReadonlyMap<string, Reading | undefined>): Change[] {
    const changes: Change[] = [];
    for (const [key, reading] of before) {
      const after = this.read(key);
      if (!readsTheSame(reading, after)) changes.push({ key, before: reading, after });
    }
    return changes;
  }

  /** The own counter before a write. */
  #begin({ time, expiresAt = 0 }: Stamp): number {
    if (!isWhole(time) || !isWhole(expiresAt)) throw new InvalidInputError(`a stamp has the times ${time} and ${expiresAt}; give whole numbers from 0 on`);
    const { own, claimed } = this.#seen;
    if (claimed > own) {
      throw new ConflictError(`others know ${claimed} writes of ${JSON.stringify(this.replica)}, which itself knows ${own}: go on under a new name`);
    }
    if (own + this.#slots.versions >= Number.MAX_SAFE_INTEGER)
      throw new ConflictError(`${JSON.stringify(this.replica)} has no writes left: go on under a new name`);
    return own;
  }

  /** One own write, not in its slot yet. */
  #next(key: string, kind: VersionKind, value: JsonValue | undefined, { time, writer, expiresAt }: Stamp): HeldVersion {
    const seen = this.#seen;
    const counter = seen.own + 1;
    const version = holdVersion(this.#own.origin(kind, writer, time), key, counter, time, value, expiresAt);
    seen.own = counter;
    if (counter > seen.claimed) seen.claimed = counter;
    this.#own.append(version);
    return version;
  }

  /** One own write: takes the place of what the slot holds, but for `beside`. */
  #replace(slot: string, key: string, kind: VersionKind, value: JsonValue | undefined, stamp: Stamp, beside?: readonly HeldVersion[]): DeltaEntry {
    const version = this.#next(key, kind, value, stamp);
    const present = this.#slots.get(slot);
    const versions = beside === undefined ? [version] : [...beside, version];
    this.#slots.put(slot, key, present, versions);
    for (const old of present) if (beside === undefined || !beside.includes(old)) old.origin.log.drop(old);
    const seen = this.#seen.aheadOf(slot);
    return seen === undefined ? { key, versions } : { key, versions, seen };
  }

  #removeElements(key: string, stamp: Stamp, entries: DeltaEntry[]): void {
    for (const slot of [...this.#slots.elementsOf(key)]) {
      const added = this.#slots.get(slot).find(({ kind }) => kind === 'added');
      if (added !== undefined) entries.push(this.#replace(slot, key, 'removed', added.value, stamp));
    }
  }

  #entryOf(held: Held): DeltaEntry {
    const first = isGroup(held) ? held[0] : held;
    const seen = first !== undefined && this.#seen.hasAhead ? this.#seen.aheadOf(slotOf(first)) : undefined;
    if (first === held && seen === undefined) return held;
    const { key, versions } = isGroup(held) ? { key: first?.key ?? '', versions: held } : held;
    return seen === undefined ? { key, versions } : { key, versions, seen };
  }

  #deltaOf(entries: readonly DeltaEntry[], after: number): Delta {
    return new WriteDelta(entries, this.#seen.others, this.replica, after, this.#seen.own);
  }

  #logOf(replica: string): ReplicaLog {
    let log = this.#logs.get(replica);
    if (log === undefined) {
      log = new ReplicaLog(replica);
      this.#logs.set(replica, log);
    }
    return log;
  }

  #checkKey(key: string, family: Family): void {
    checkName(key, 'a key', this.#maxKeyLength);
    const versions = this.#slots.versionsOf(key);
    const only = versions.length === 1 ? versions[0] : [...versions].sort(byPrecedence)[0];
    if (only === undefined || isTombstone(only) || familyOf(only) === family) return;
    throw new InvalidInputError(`${JSON.stringify(key)} is a ${familyOf(only)} and cannot be written as a ${family}; delete it first or take another key`);
  }
}

function isWhole(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0;
}
