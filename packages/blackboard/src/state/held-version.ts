import type { JsonValue } from '@meshwork/core';
import type { DeltaEntry, Version, VersionKind } from './board-state.ts';
import type { ReplicaLog } from './replica-log.ts';

/** Time that the versions of one origin may span to hold a small integer each: some four minutes of a hybrid clock. */
const span = 2 ** 30;

/** What many versions have in common, held once. */
export class Origin {
  readonly log: ReplicaLog;
  readonly kind: VersionKind;
  readonly writer: string;
  readonly isTombstone: boolean;
  readonly isRegister: boolean;
  /** Where the time of its versions begins. */
  readonly base: number;
  /** Versions made of it. */
  used = 0;

  constructor(log: ReplicaLog, kind: VersionKind, writer: string, time: number) {
    this.log = log;
    this.kind = kind;
    this.writer = writer;
    this.isTombstone = kind === 'deleted' || kind === 'removed';
    this.isRegister = kind === 'value' || kind === 'deleted';
    this.base = time;
  }
}

/**
 * A version as a state holds it. Never held by two states: whether it is held is its own state's matter. It is also the entry of its key, or element,
 * in a delta, where it is the only version, and nothing is known of the key beyond the delta's context: what most entries are.
 */
export class HeldVersion implements Version, DeltaEntry {
  readonly key: string;
  readonly counter: number;
  readonly value: JsonValue | undefined;
  origin: Origin;
  /** Its time after the base of its origin; the complement of it, once the version is no longer held. */
  #offset: number;

  constructor(origin: Origin, key: string, counter: number, value: JsonValue | undefined, offset: number) {
    this.key = key;
    this.counter = counter;
    this.value = value;
    this.origin = origin;
    this.#offset = offset;
  }

  get time(): number {
    return this.origin.base + (this.#offset < 0 ? ~this.#offset : this.#offset);
  }

  get replica(): string {
    return this.origin.log.replica;
  }

  get kind(): VersionKind {
    return this.origin.kind;
  }

  get writer(): string {
    return this.origin.writer;
  }

  get expiresAt(): number | undefined {
    return undefined;
  }

  get versions(): readonly Version[] {
    return [this];
  }

  get isHeld(): boolean {
    return this.#offset >= 0;
  }

  /** Makes a version that no state holds one of the state that the origin is of. False, where its time does not fit to the origin. */
  adopt(origin: Origin): boolean {
    const offset = this.time - origin.base;
    if (offset < 0 || offset >= span) return false;
    this.#offset = offset | 0;
    this.origin = origin;
    origin.used++;
    return true;
  }

  drop(): void {
    if (this.#offset >= 0) this.#offset = ~this.#offset;
  }
}

/** With room for what most versions do without: a time of its own, and when it expires. */
class RoomyVersion extends HeldVersion {
  readonly #time: number;
  readonly #expiresAt: number | undefined;

  constructor(origin: Origin, key: string, counter: number, value: JsonValue | undefined, time: number, expiresAt: number | undefined) {
    super(origin, key, counter, value, 0);
    this.#time = time;
    this.#expiresAt = expiresAt;
  }

  override get time(): number {
    return this.#time;
  }

  override get expiresAt(): number | undefined {
    return this.#expiresAt;
  }

  override adopt(origin: Origin): boolean {
    this.origin = origin;
    origin.used++;
    return true;
  }
}

export function holdVersion(
  origin: Origin,
  key: string,
  counter: number,
  time: number,
  value: JsonValue | undefined,
  expiresAt: number | undefined,
): HeldVersion {
  origin.used++;
  const offset = time - origin.base;
  return expiresAt === undefined && offset >= 0 && offset < span
    ? // A small integer also where the engine has reckoned it as a float: fields that hold nothing else cost no box.
      new HeldVersion(origin, key, counter, value, offset | 0)
    : new RoomyVersion(origin, key, counter, value, time, expiresAt);
}

/** Whether versions of this time are better held with an origin of their own: a new one pays when the old one was of use to many. */
export function isOutworn({ base, used }: Origin, time: number): boolean {
  return used >= 16 && (time < base || time - base >= span);
}
