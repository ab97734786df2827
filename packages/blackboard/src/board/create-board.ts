import { type Clock, ConflictError, InvalidInputError, type JsonValue, LimitedError, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import type { Board, BoardSession, ReadOptions, WriteOptions } from '../board.ts';
import type { Entry, EntryChange } from '../entry.ts';
import type { Levels } from '../levels.ts';
import { type Members, RESERVED } from '../replica/members.ts';
import type { Replica } from '../replica/replica.ts';
import { decodeToken, encodeToken } from '../session-token.ts';
import type { BoardState, Delta, Reading, Stamp, Version } from '../state/board-state.ts';
import { emptyCloud, isWithinVector, joinVectors, type VersionVector } from '../state/context.ts';
import { canonicalJson } from '../state/own-json.ts';
import { familyOf } from '../state/reading.ts';
import { isTombstone } from '../state/winner.ts';
import type { StrongStore } from '../strong/strong-store.ts';
import { entryOfReading, entryOfStrong, entryOfVersion, versionOfEntry } from './entry-of.ts';
import { isExpired } from './expiry.ts';
import type { History } from './history.ts';
import { inTime } from './in-time.ts';
import type { Watchers } from './watchers.ts';

export interface BoardOptions {
  readonly name: string;
  /** Who writes when nobody is named. */
  readonly hub: string;
  readonly replica: Replica;
  readonly members: Members;
  readonly levels: Levels;
  readonly strong: StrongStore | undefined;
  readonly history: History;
  readonly watchers: Watchers;
  readonly clock: Clock;
  readonly maxKeys: number;
  readonly maxKeyLength: number;
  /** Exchanges with all peers. */
  readonly sync: (options: ReadOptions) => Promise<void>;
  /** Waits until the replica has on disk what the vector tells of. Never fails, may never end. */
  readonly reach: (vector: VersionVector, signal: AbortSignal) => Promise<void>;
}

export function createBoard(options: BoardOptions): Board {
  return new PlainBoard(options);
}

class PlainBoard implements Board {
  readonly name: string;
  readonly #options: BoardOptions;

  constructor(options: BoardOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async get(key: string, options: ReadOptions = {}): Promise<Entry | undefined> {
    this.#check(key);
    const { strong } = this.#at(key);
    if (strong !== undefined) {
      const reading = await this.#inTime((signal) => strong.read(key, { signal }), options);
      return reading?.value === undefined ? undefined : entryOfStrong(reading);
    }
    await this.prepare(options);
    const entry = this.#read(this.#options.replica.state, key);
    await this.#settled(key, options);
    return entry;
  }

  async list(
    prefix: string,
    { after, limit = Number.POSITIVE_INFINITY, ...options }: ReadOptions & { readonly after?: string; readonly limit?: number } = {},
  ): Promise<readonly Entry[]> {
    const { levels, replica, strong, clock } = this.#options;
    await this.prepare(options);
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
    const readings = await this.#inTime((signal) => strong.list(prefix, { signal, ...bounds }), options);
    const all = [...entries, ...readings.filter(({ key, value }) => value !== undefined && levels.of(key) === 'strong').map(entryOfStrong)];
    return all.sort((one, other) => (one.key < other.key ? -1 : 1)).slice(0, limit);
  }

  async set(key: string, value: JsonValue, options: WriteOptions = {}): Promise<Entry> {
    return (await this.#strongWrite(key, value, options)) ?? this.#put(key, options, (state, stamp) => state.set(key, value, stamp));
  }

  async delete(key: string, options: WriteOptions = {}): Promise<boolean> {
    this.#check(key);
    const { strong } = this.#at(key);
    if (strong !== undefined) {
      const before = await this.#inTime((signal) => strong.read(key, { signal }), options);
      if (before?.value === undefined) return false;
      await this.#strongWrite(key, undefined, options);
      return true;
    }
    let wasThere = false;
    await this.#write(key, options, (state, stamp) => {
      wasThere = this.#read(state, key) !== undefined;
      return state.delete(key, stamp);
    });
    return wasThere;
  }

  async compareAndSet(key: string, expected: string | undefined, value: JsonValue, options: WriteOptions = {}): Promise<Entry> {
    this.#check(key);
    const { strong, level } = this.#at(key);
    if (strong === undefined) {
      throw new InvalidInputError(
        `${JSON.stringify(key)} is of level ${level}, where two hubs would both succeed; give it the level strong by a rule of the board`,
      );
    }
    const write = this.#strongForm(key, value, options);
    return entryOfStrong(await this.#inTime((signal) => strong.compareAndSet(write, expected, { signal }), options, unknown));
  }

  async increment(key: string, by: number, options: WriteOptions = {}): Promise<Entry> {
    this.#refuseStrong(key, 'increment');
    return this.#put(key, options, (state, stamp) => state.increment(key, by, stamp));
  }

  async add(key: string, element: JsonValue, options: WriteOptions = {}): Promise<Entry> {
    this.#refuseStrong(key, 'add');
    return this.#put(key, options, (state, stamp) => state.add(key, element, stamp));
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
    this.#check(key);
    const { strong, level } = this.#at(key);
    if (strong !== undefined) return [];
    await this.prepare(options);
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
    this.#check(key);
    const { strong } = this.#at(key);
    const present = await this.get(key, options);
    const isResolved = present !== undefined && present.conflicts === 0 && canonicalJson(present.value ?? null) === canonicalJson(value);
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
      return state.set(key, value, this.#later(stamp));
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
    const versions = new Map<string, Version[]>();
    const cloud = new Map<string, Set<number>>();
    for (const entry of entries) {
      this.#check(entry.key);
      this.#refuseStrong(entry.key, 'merge');
      const version = versionOfEntry(entry);
      if (version.replica === replica.state.replica && version.counter > (replica.durable.get(version.replica) ?? 0)) {
        throw new InvalidInputError(`the entry of ${JSON.stringify(entry.key)} says that this hub wrote it, which never did; leave it out`);
      }
      const group = versions.get(entry.key) ?? [];
      if (group.some(({ replica: name, counter }) => name === version.replica && counter === version.counter)) continue;
      versions.set(entry.key, [...group, version]);
      cloud.set(version.replica, (cloud.get(version.replica) ?? new Set()).add(version.counter));
    }
    const nothing: VersionVector = new Map();
    const groups = [...versions].map(([key, group]) => ({ key, versions: group }));
    const changes = await replica.merge(
      { entries: groups, context: { vector: nothing, cloud: cloud.size === 0 ? emptyCloud : cloud }, covers: { from: nothing, to: nothing } },
      { isLogged: true },
    );
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

  /** What comes before a read or a write. */
  protected async prepare(_options: ReadOptions): Promise<void> {}

  /** What comes after it. */
  protected noteSeen(): void {}

  #read(state: BoardState, key: string): Entry | undefined {
    const reading = state.read(key);
    if (reading === undefined || isTombstone(reading.version) || isExpired(reading, this.#options.clock.now())) return undefined;
    return entryOfReading(state, reading, this.#options.levels.of(key));
  }

  async #settled(key: string | undefined, options: ReadOptions): Promise<void> {
    await inTime(this.#options.replica.settled(key), options, (why, cause) => new UnavailableError(`what is read is not on disk yet: ${why}`, { cause }));
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
    this.#check(key);
    const { writer = hub, ttlMs = levels.ttlMsOf(key) } = options;
    if (ttlMs !== undefined && (!Number.isSafeInteger(ttlMs) || ttlMs < 1)) throw new InvalidInputError(`ttlMs is ${ttlMs}; give whole milliseconds from 1 on`);
    options.signal?.throwIfAborted();
    await this.prepare(options);
    const written = replica.write(key, (state) => {
      const expiresAt = ttlMs === undefined ? undefined : Math.min(Math.floor(clock.now()) + ttlMs, Number.MAX_SAFE_INTEGER - 1);
      return work(state, { time: replica.time.next(), writer, ...(expiresAt !== undefined && { expiresAt }) });
    });
    await inTime(written, options, unknown);
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

  #check(key: string): void {
    if (typeof key !== 'string' || !key.isWellFormed() || key.length > this.#options.maxKeyLength || key.startsWith(RESERVED)) {
      throw new InvalidInputError(
        `a key is a well-formed text of at most ${this.#options.maxKeyLength} characters that does not begin with NUL; take another one`,
      );
    }
  }

  #at(key: string): { readonly level: 'eventual' | 'session'; readonly strong: undefined } | { readonly level: 'strong'; readonly strong: StrongStore } {
    const level = this.#options.levels.of(key);
    if (level !== 'strong') return { level, strong: undefined };
    const { strong } = this.#options;
    if (strong === undefined)
      throw new UnavailableError(`${JSON.stringify(key)} is of level strong, and this hub has nothing to keep such keys in; give it a strong store`);
    return { level, strong };
  }

  #refuseStrong(key: string, what: string): void {
    this.#check(key);
    if (this.#options.levels.of(key) === 'strong') {
      throw new InvalidInputError(
        `${what} is not for keys of level strong, as ${JSON.stringify(key)} is; write it with compareAndSet, or take a key of another level`,
      );
    }
  }

  #strongForm(key: string, value: JsonValue | undefined, { writer = this.#options.hub, ttlMs }: WriteOptions) {
    if (ttlMs !== undefined) throw new InvalidInputError(`keys of level strong do not expire, and ${JSON.stringify(key)} is one; leave ttlMs out`);
    return { key, value, writer, time: this.#options.replica.time.next() };
  }

  /** `undefined` when the key is of another level. */
  async #strongWrite(key: string, value: JsonValue | undefined, options: WriteOptions): Promise<Entry | undefined> {
    this.#check(key);
    const { strong } = this.#at(key);
    if (strong === undefined) return undefined;
    const write = this.#strongForm(key, value, options);
    return entryOfStrong(await this.#inTime((signal) => strong.write(write, { signal }), options, unknown));
  }

  async #inTime<T>(work: (signal: AbortSignal) => Promise<T>, options: ReadOptions, late?: (why: string, cause: unknown) => Error): Promise<T> {
    const ending = new AbortController();
    try {
      return await inTime(work(ending.signal), options, late);
    } finally {
      ending.abort();
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

  protected override async prepare(options: ReadOptions): Promise<void> {
    const { replica, reach } = this.#options;
    if (isWithinVector(this.#seen, replica.durable)) return;
    const ending = new AbortController();
    try {
      await inTime(
        reach(this.#seen, ending.signal),
        options,
        (why, cause) => new UnavailableError(`this hub has not seen yet what the session has: ${why}`, { cause }),
      );
    } finally {
      ending.abort();
    }
  }

  protected override noteSeen(): void {
    this.#seen = joinVectors(this.#seen, this.#options.replica.durable);
  }
}

function unknown(why: string, cause: unknown): Error {
  return new UnknownOutcomeError(`the write may have happened or not: ${why}`, { cause });
}
