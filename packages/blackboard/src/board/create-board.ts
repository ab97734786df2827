import { ConflictError, InvalidInputError, type JsonValue, LimitedError, UnavailableError } from '@meshwork/core';
import type { Board, BoardSession, ReadOptions, WriteOptions } from '../board.ts';
import type { Entry, EntryChange } from '../entry.ts';
import { RESERVED } from '../replica/members.ts';
import { decodeToken, encodeToken } from '../session-token.ts';
import type { BoardState, Delta, Reading, Stamp } from '../state/board-state.ts';
import { joinVectors, type VersionVector } from '../state/context.ts';
import { canonicalJson, ownJson } from '../state/own-json.ts';
import { familyOf } from '../state/reading.ts';
import { isTombstone } from '../state/winner.ts';
import type { BoardOptions } from './board-options.ts';
import { deltaOfEntries } from './delta-of-entries.ts';
import { entryOfReading, entryOfVersion } from './entry-of.ts';
import { isExpired } from './expiry.ts';
import { inTime, unknownOutcome } from './in-time.ts';
import { createStrongKeys, type StrongKeys } from './strong-keys.ts';

export function createBoard(options: BoardOptions): Board {
  return new PlainBoard(options);
}

/** Where a key is kept. */
type Place = { readonly level: 'eventual' | 'session'; readonly strong: undefined } | { readonly level: 'strong'; readonly strong: StrongKeys };

class PlainBoard implements Board {
  readonly name: string;
  readonly #options: BoardOptions;
  readonly #strong: StrongKeys | undefined;

  constructor(options: BoardOptions) {
    const { name, strong, replica, hub } = options;
    this.name = name;
    this.#options = options;
    this.#strong = strong && createStrongKeys({ store: strong, time: replica.time, hub });
  }

  async get(key: string, options: ReadOptions = {}): Promise<Entry | undefined> {
    const { strong } = this.#at(key);
    if (strong !== undefined) return strong.get(key, options);
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
        if (key.startsWith(RESERVED) || levels.of(key) === 'strong' || isExpired(reading, nowMs)) continue;
        entries.push(entryOfReading(replica.state, reading, levels.of(key)));
        if (entries.length >= limit) break;
      }
    }
    await this.#settled(undefined, options);
    if (strong === undefined || !levels.mayHold(prefix, 'strong')) return entries;
    const bounds = { ...(after !== undefined && { after }), ...(Number.isFinite(limit) && { limit }) };
    const more = await strong.list(prefix, bounds, options);
    const all = [...entries, ...more.filter(({ key }) => levels.of(key) === 'strong')];
    return all.sort((one, other) => (one.key < other.key ? -1 : 1)).slice(0, limit);
  }

  async set(key: string, value: JsonValue, options: WriteOptions = {}): Promise<Entry> {
    const { strong } = this.#at(key);
    const own = this.#own(value);
    return strong === undefined ? this.#put(key, options, (state, stamp) => state.set(key, own, stamp)) : strong.set(key, own, options);
  }

  async delete(key: string, options: WriteOptions = {}): Promise<boolean> {
    const { strong } = this.#at(key);
    if (strong !== undefined) return strong.delete(key, options);
    let wasThere = false;
    await this.#write(key, options, (state, { time, writer }) => {
      wasThere = this.#read(state, key) !== undefined;
      return state.delete(key, { time, writer });
    });
    return wasThere;
  }

  async compareAndSet(key: string, expected: string | undefined, value: JsonValue, options: WriteOptions = {}): Promise<Entry> {
    const { strong, level } = this.#at(key);
    if (strong !== undefined) return strong.compareAndSet(key, expected, this.#own(value), options);
    throw new InvalidInputError(
      `${JSON.stringify(key)} is of level ${level}, where two hubs would both succeed; give it the level strong by a rule of the board`,
    );
  }

  async increment(key: string, by: number, options: WriteOptions = {}): Promise<Entry> {
    this.#refuseStrong(key, 'increment');
    if (!Number.isSafeInteger(by)) throw new InvalidInputError(`a counter cannot be incremented by ${by}; give a whole number`);
    return this.#put(key, options, (state, stamp) => state.increment(key, by, stamp));
  }

  async add(key: string, element: JsonValue, options: WriteOptions = {}): Promise<Entry> {
    this.#refuseStrong(key, 'add');
    const own = this.#own(element);
    return this.#put(key, options, (state, stamp) => state.add(key, own, stamp));
  }

  async remove(key: string, element: JsonValue, options: WriteOptions = {}): Promise<boolean> {
    this.#refuseStrong(key, 'remove');
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
    const { strong, level } = this.#at(key);
    if (strong !== undefined) return [];
    const ready = this.prepare(options);
    if (ready !== undefined) await ready;
    const { state } = this.#options.replica;
    const reading = state.read(key);
    const entries: Entry[] = [];
    if (reading !== undefined && reading.conflicts > 0) {
      const family = familyOf(reading.version);
      const others = state
        .versionsOf(key)
        .filter((version) => (family === 'register' ? version !== reading.version : familyOf(version) !== family && !isTombstone(version)));
      entries.push(family === 'register' ? entryOfVersion(reading.version, level) : entryOfReading(state, reading, level));
      for (const version of others) entries.push(entryOfVersion(version, level));
    }
    await this.#settled(key, options);
    return entries;
  }

  async resolve(key: string, value: JsonValue, options: WriteOptions = {}): Promise<Entry> {
    const { strong } = this.#at(key);
    const own = this.#own(value);
    const present = await this.get(key, options);
    const isResolved = present !== undefined && present.conflicts === 0 && canonicalJson(present.value ?? null) === canonicalJson(own);
    if (isResolved) return present;
    if (strong !== undefined || (this.#options.replica.state.read(key)?.conflicts ?? 0) === 0) {
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
    this.#check(key);
    return inTime(this.#options.history.of(key, limit), options);
  }

  watch(prefix: string, { signal }: { readonly signal?: AbortSignal } = {}): AsyncIterable<EntryChange> {
    return this.#options.watchers.watch(prefix, signal);
  }

  async merge(entries: readonly Entry[]): Promise<readonly EntryChange[]> {
    const { levels, replica } = this.#options;
    for (const { key } of entries) this.#refuseStrong(key, 'merge');
    const changes = await replica.merge((state) => deltaOfEntries(entries, { replica: state.replica, vector: state.context.vector }), { isLogged: true });
    return (changes ?? []).map(({ key, before, after }) => {
      const [one, other] = [before, after].map((reading) => reading && entryOfReading(replica.state, reading, levels.of(key)));
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
    return entryOfReading(state, reading, this.#options.levels.of(key));
  }

  async #settled(key: string | undefined, options: ReadOptions): Promise<void> {
    const settling = this.#options.replica.settled(key);
    if (settling !== undefined) await inTime(settling, options, (why, cause) => new UnavailableError(`what is read is not on disk yet: ${why}`, { cause }));
    this.noteSeen();
  }

  /** Writes, and gives the entry as the write left it. */
  async #put(key: string, options: WriteOptions, work: (state: BoardState, stamp: Stamp) => Delta): Promise<Entry> {
    const { levels, members, maxKeys } = this.#options;
    let entry: Entry | undefined;
    await this.#write(key, options, (state, stamp) => {
      if (state.size - members.count >= maxKeys && this.#isNew(state.read(key))) {
        throw new LimitedError(`the board ${JSON.stringify(this.name)} has its ${maxKeys} keys; delete some, or allow more (maxKeys)`);
      }
      this.#clearExpired(state, key, stamp);
      const delta = work(state, this.#later(stamp));
      const reading = state.read(key) as Reading;
      entry = entryOfReading(state, reading, levels.of(key));
      return delta;
    });
    return entry as unknown as Entry;
  }

  async #write(key: string, options: WriteOptions, work: (state: BoardState, stamp: Stamp) => Delta | undefined): Promise<void> {
    const { hub, replica, clock, levels } = this.#options;
    const { writer = hub, ttlMs = levels.ttlMsOf(key) } = options;
    if (ttlMs !== undefined && (!Number.isSafeInteger(ttlMs) || ttlMs < 1)) throw new InvalidInputError(`ttlMs is ${ttlMs}; give whole milliseconds from 1 on`);
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

  #check(key: string): void {
    if (typeof key !== 'string' || !key.isWellFormed() || key.length > this.#options.maxKeyLength || key.startsWith(RESERVED)) {
      throw new InvalidInputError(
        `a key is a well-formed text of at most ${this.#options.maxKeyLength} characters that does not begin with NUL; take another one`,
      );
    }
  }

  /** @throws {InvalidInputError} when it is no key. */
  #at(key: string): Place {
    this.#check(key);
    const level = this.#options.levels.of(key);
    if (level !== 'strong') return { level, strong: undefined };
    const strong = this.#strong;
    if (strong !== undefined) return { level, strong };
    throw new UnavailableError(`${JSON.stringify(key)} is of level strong, and this hub has nothing to keep such keys in; give it a strong store`);
  }

  #refuseStrong(key: string, what: string): void {
    this.#check(key);
    if (this.#options.levels.of(key) === 'strong') {
      throw new InvalidInputError(
        `${what} is not for keys of level strong, as ${JSON.stringify(key)} is; write it with compareAndSet, or take a key of another level`,
      );
    }
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
