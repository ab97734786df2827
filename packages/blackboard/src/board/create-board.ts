import { ConflictError, InvalidInputError, type JsonValue, LimitedError, UnavailableError } from '@meshwork/core';
import type { Board, BoardSession, CreateOptions, ReadOptions, WriteOptions } from '../board.ts';
import type { ChosenLevel, Entry, EntryChange } from '../entry.ts';
import { RESERVED } from '../replica/members.ts';
import { decodeToken, encodeToken } from '../session-token.ts';
import type { BoardState, Delta, Reading, Stamp } from '../state/board-state.ts';
import { joinVectors, type VersionVector } from '../state/context.ts';
import { canonicalJson, ownJson } from '../state/own-json.ts';
import { familyOf } from '../state/reading.ts';
import { isTombstone } from '../state/winner.ts';
import { AFTER_RESERVED } from '../strong/level-key.ts';
import type { BoardOptions } from './board-options.ts';
import { creations } from './creation.ts';
import { deltaOfEntries } from './delta-of-entries.ts';
import { entriesOfConflict, entryOfReading, versionOfEntry } from './entry-of.ts';
import { checkTtlMs, isExpired } from './expiry.ts';
import { inTime, unknownOutcome } from './in-time.ts';
import { checkKey, createPlaces, notForStrong, type Places } from './places.ts';
import { createStrongKeys, isAbsent, neverExpires, type StrongKeys } from './strong-keys.ts';

export function createBoard(options: BoardOptions): Board {
  return new PlainBoard(options);
}

class PlainBoard implements Board {
  readonly name: string;
  readonly #options: BoardOptions;
  readonly #strong: StrongKeys | undefined;
  readonly #places: Places;

  constructor(options: BoardOptions) {
    const { name, strong, replica, hub, levels, records, maxKeyLength } = options;
    this.name = name;
    this.#options = options;
    this.#strong = strong && createStrongKeys({ store: strong, time: replica.time, hub });
    const checkNew = (key: string, level: ChosenLevel, how: WriteOptions) => this.#checkNew(key, level, how);
    this.#places = createPlaces({ replica, levels, strong: this.#strong, records, maxKeyLength, checkNew });
  }

  async get(key: string, options: ReadOptions = {}): Promise<Entry | undefined> {
    const found = this.#places.find(key, options);
    const place = found instanceof Promise ? await found : found;
    if (place === undefined) return undefined;
    if (place.strong !== undefined) return place.strong.get(key, options);
    const ready = this.prepare(options);
    if (ready !== undefined) await ready;
    const entry = this.#read(this.#options.replica.state, key);
    await this.#settled(key, options);
    return entry;
  }

  async list(
    prefix: string,
    { after, limit = Number.POSITIVE_INFINITY, ...options }: ReadOptions & { readonly after?: string; readonly limit?: number } = {},
  ): Promise<readonly Entry[]> {
    const { levels, replica, clock } = this.#options;
    const strong = this.#strong;
    const ready = this.prepare(options);
    if (ready !== undefined) await ready;
    const entries: Entry[] = [];
    const nowMs = clock.now();
    if (limit > 0) {
      for (const reading of replica.state.list(prefix, after === undefined ? {} : { after })) {
        const { key } = reading;
        const level = levels.replicatedAs(key);
        if (key.startsWith(RESERVED) || level === 'strong' || isExpired(reading, nowMs)) continue;
        entries.push(entryOfReading(replica.state, reading, level));
        if (entries.length >= limit) break;
      }
    }
    await this.#settled(undefined, options);
    if (strong === undefined || !levels.mayBeStrong(prefix) || prefix.startsWith(RESERVED)) return entries;
    const bounds = { after: after === undefined || after < AFTER_RESERVED ? AFTER_RESERVED : after, ...(Number.isFinite(limit) && { limit }) };
    const more = await strong.list(prefix, bounds, options);
    const all = [...entries, ...more.filter(({ key }) => levels.of(key) === 'strong' || levels.of(key) === 'chosen')];
    return all.sort((one, other) => (one.key < other.key ? -1 : 1)).slice(0, limit);
  }

  async set(key: string, value: JsonValue, options: CreateOptions = {}): Promise<Entry> {
    const own = this.#own(value);
    const found = this.#places.create(key, options, creations.set);
    const { strong } = found instanceof Promise ? await found : found;
    return strong === undefined ? this.#put(key, options, (state, stamp) => state.set(key, own, stamp)) : strong.set(key, own, options);
  }

  async delete(key: string, options: WriteOptions = {}): Promise<boolean> {
    const found = this.#places.find(key, options);
    const place = found instanceof Promise ? await found : found;
    if (place === undefined) return false;
    if (place.strong !== undefined) return place.strong.delete(key, options);
    let wasThere = false;
    await this.#write(key, options, (state, { time, writer }) => {
      wasThere = this.#read(state, key) !== undefined;
      return state.delete(key, { time, writer });
    });
    return wasThere;
  }

  async compareAndSet(key: string, expected: string | undefined, value: JsonValue, options: CreateOptions = {}): Promise<Entry> {
    const own = this.#own(value);
    // A key that is nowhere is at no version, and is not made here.
    if (expected !== undefined && (await this.#places.find(key, options)) === undefined) throw isAbsent(key);
    const { strong } = await this.#places.create(key, options, creations.compareAndSet);
    return (strong as StrongKeys).compareAndSet(key, expected, own, options);
  }

  async increment(key: string, by: number, options: CreateOptions = {}): Promise<Entry> {
    if (!Number.isSafeInteger(by)) throw new InvalidInputError(`a counter cannot be incremented by ${by}; give a whole number`);
    const found = this.#places.create(key, options, creations.increment);
    if (found instanceof Promise) await found;
    return this.#put(key, options, (state, stamp) => state.increment(key, by, stamp));
  }

  async add(key: string, element: JsonValue, options: CreateOptions = {}): Promise<Entry> {
    const own = this.#own(element);
    const found = this.#places.create(key, options, creations.add);
    if (found instanceof Promise) await found;
    return this.#put(key, options, (state, stamp) => state.add(key, own, stamp));
  }

  async remove(key: string, element: JsonValue, options: WriteOptions = {}): Promise<boolean> {
    const found = this.#places.find(key, options);
    const place = found instanceof Promise ? await found : found;
    if (place === undefined) return false;
    if (place.strong !== undefined) throw notForStrong('remove', key);
    let wasThere = false;
    await this.#write(key, options, (state, stamp) => {
      const isGone = this.#clearExpired(state, key, stamp);
      const delta = state.remove(key, element, this.#later(stamp));
      wasThere = delta !== undefined;
      return delta ?? isGone;
    });
    return wasThere;
  }

  async conflicts(key: string, options: ReadOptions = {}): Promise<readonly Entry[]> {
    const found = this.#places.find(key, options);
    const place = found instanceof Promise ? await found : found;
    if (place === undefined || place.strong !== undefined) return [];
    const { level } = place;
    const ready = this.prepare(options);
    if (ready !== undefined) await ready;
    const { state } = this.#options.replica;
    const entries = entriesOfConflict(state, key, level);
    await this.#settled(key, options);
    return entries;
  }

  async resolve(key: string, value: JsonValue, options: WriteOptions = {}): Promise<Entry> {
    const own = this.#own(value);
    const place = await this.#places.find(key, options);
    const present = place && (await this.get(key, options));
    const isResolved = present !== undefined && present.conflicts === 0 && canonicalJson(present.value ?? null) === canonicalJson(own);
    if (isResolved) return present;
    if (place?.strong !== undefined || (this.#options.replica.state.read(key)?.conflicts ?? 0) === 0) {
      throw new ConflictError(`${JSON.stringify(key)} has one version, so there is nothing to resolve; write it with set`, {
        details: { version: present?.version ?? null },
      });
    }
    return this.#put(key, options, (state, stamp) => {
      const reading = state.read(key);
      // A counter or a set gives way to the value like any other version.
      if (reading !== undefined && familyOf(reading.version) !== 'register') state.delete(key, stamp);
      return state.set(key, own, this.#later(stamp));
    });
  }

  async history(key: string, { limit = Number.POSITIVE_INFINITY, ...options }: ReadOptions & { readonly limit?: number } = {}): Promise<readonly Entry[]> {
    checkKey(key, this.#options.maxKeyLength);
    return inTime(this.#options.history.of(key, limit), options);
  }

  watch(prefix: string, { signal }: { readonly signal?: AbortSignal } = {}): AsyncIterable<EntryChange> {
    return this.#options.watchers.watch(prefix, signal);
  }

  async merge(entries: readonly Entry[]): Promise<readonly EntryChange[]> {
    const { levels, replica } = this.#options;
    // What is no version of a register gives no key a level.
    if (levels.hasChosen) for (const entry of entries) versionOfEntry(entry);
    for (const { key } of entries) {
      const found = this.#places.create(key, {}, creations.merge);
      if (found instanceof Promise) await found;
    }
    const changes = await replica.merge((state) => deltaOfEntries(entries, { replica: state.replica, vector: state.context.vector }), { isLogged: true });
    return (changes ?? []).map(({ key, before, after }) => {
      const [one, other] = [before, after].map((reading) => reading && entryOfReading(replica.state, reading, levels.replicatedAs(key)));
      return { key, before: one, after: other };
    });
  }

  sync(options: ReadOptions = {}): Promise<void> {
    return this.#options.sync(options);
  }

  session(token?: string): BoardSession {
    return new SessionBoard(this.#options, token === undefined ? new Map() : decodeToken(this.name, token));
  }

  /** What comes before a read or a write, if anything. */
  protected prepare(_options: ReadOptions): Promise<void> | undefined {
    return undefined;
  }

  /** What comes after it. */
  protected noteSeen(): void {}

  #read(state: BoardState, key: string): Entry | undefined {
    const reading = state.read(key);
    if (reading === undefined || isTombstone(reading.version) || isExpired(reading, this.#options.clock.now())) return undefined;
    return entryOfReading(state, reading, this.#options.levels.replicatedAs(key));
  }

  async #settled(key: string | undefined, options: ReadOptions): Promise<void> {
    const settling = this.#options.replica.settled(key);
    if (settling !== undefined) await inTime(settling, options, (why, cause) => new UnavailableError(`what is read is not on disk yet: ${why}`, { cause }));
    this.noteSeen();
  }

  /** Writes, and gives the entry as the write left it. */
  async #put(key: string, options: WriteOptions, work: (state: BoardState, stamp: Stamp) => Delta): Promise<Entry> {
    const { levels } = this.#options;
    let entry: Entry | undefined;
    await this.#write(key, options, (state, stamp) => {
      this.#refuseBeyondLimit(state, key);
      this.#clearExpired(state, key, stamp);
      const delta = work(state, this.#later(stamp));
      const reading = state.read(key) as Reading;
      entry = entryOfReading(state, reading, levels.replicatedAs(key));
      return delta;
    });
    return entry as unknown as Entry;
  }

  async #write(key: string, options: WriteOptions, work: (state: BoardState, stamp: Stamp) => Delta | undefined): Promise<void> {
    const { hub, replica, clock, levels } = this.#options;
    const { writer = hub, ttlMs = levels.ttlMsOf(key) } = options;
    checkTtlMs(ttlMs);
    options.signal?.throwIfAborted();
    const ready = this.prepare(options);
    if (ready !== undefined) await ready;
    const written = replica.write(key, (state) => {
      const expiresAt = ttlMs === undefined ? undefined : Math.min(Math.floor(clock.now()) + ttlMs, Number.MAX_SAFE_INTEGER - 1);
      return work(state, { time: replica.time.next(), writer, ...(expiresAt !== undefined && { expiresAt }) });
    });
    await inTime(written, options, unknownOutcome);
    this.noteSeen();
  }

  /** What has expired is not counted on, nor added to. */
  #clearExpired(state: BoardState, key: string, stamp: Stamp): Delta | undefined {
    const reading = state.read(key);
    return reading !== undefined && !isTombstone(reading.version) && isExpired(reading, this.#options.clock.now()) ? state.delete(key, stamp) : undefined;
  }

  #later(stamp: Stamp): Stamp {
    return { ...stamp, time: this.#options.replica.time.next() };
  }

  #isNew(reading: Reading | undefined): boolean {
    return reading === undefined || isTombstone(reading.version);
  }

  /** A frozen copy. */
  #own(value: JsonValue): JsonValue {
    return ownJson(value, { maxValueLength: this.#options.maxValueLength, maxDepth: 64 });
  }

  /** What would fail once the level of the key is fixed. */
  #checkNew(key: string, level: ChosenLevel, { ttlMs }: WriteOptions): void {
    checkTtlMs(ttlMs);
    if (level === 'eventual') this.#refuseBeyondLimit(this.#options.replica.state, key);
    else if (ttlMs !== undefined) throw neverExpires(key);
  }

  #refuseBeyondLimit(state: BoardState, key: string): void {
    const { members, maxKeys } = this.#options;
    if (state.size - members.count >= maxKeys && this.#isNew(state.read(key)))
      throw new LimitedError(`the board ${JSON.stringify(this.name)} has its ${maxKeys} keys; delete some, or allow more (maxKeys)`);
  }
}

class SessionBoard extends PlainBoard implements BoardSession {
  readonly #options: BoardOptions;
  #seen: VersionVector;

  constructor(options: BoardOptions, seen: VersionVector) {
    super(options);
    this.#options = options;
    this.#seen = seen;
  }

  get token(): string {
    return encodeToken(this.name, this.#seen);
  }

  protected override prepare(options: ReadOptions): Promise<void> | undefined {
    return this.#options.replica.hasOnDisk(this.#seen) ? undefined : this.#catchUp(options);
  }

  protected override noteSeen(): void {
    const { durable, isSettled, state } = this.#options.replica;
    // What is forgotten on disk too, no hub has to have seen any more.
    this.#seen = joinVectors(isSettled ? state.forgotten.without(this.#seen) : this.#seen, durable);
  }

  async #catchUp(options: ReadOptions): Promise<void> {
    const ending = new AbortController();
    const late = (why: string, cause: unknown) => new UnavailableError(`this hub has not seen yet what the session has: ${why}`, { cause });
    try {
      await inTime(this.#options.reach(this.#seen, ending.signal), options, late);
    } finally {
      ending.abort();
    }
  }
}
