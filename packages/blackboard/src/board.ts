import type { JsonValue } from '@meshwork/core';
import type { ChosenLevel, Entry, EntryChange } from './entry.ts';

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds that a read may wait for other hubs. Default 5,000. */
  readonly timeoutMs?: number;
}

export interface WriteOptions extends ReadOptions {
  /** Who writes. Default: the blackboard's own name. */
  readonly writer?: string;
  /** Milliseconds until the entry reads as absent. Default: the rule's, or never. */
  readonly ttlMs?: number;
}

export interface CreateOptions extends WriteOptions {
  /**
   * The level of the key, where the board's rules let writers choose: the first write of a key fixes it, for good, also over deletions. Default for a new key: what
   * the operation needs, so `strong` for `compareAndSet` and `eventual` for all others. A write that names another level than the key has changes nothing.
   */
  readonly level?: ChosenLevel;
}

/**
 * Keys and values that hubs share. A key's level is fixed by the board's rules, or by whoever creates it where they say `chosen`. A write is acknowledged when this hub has it on disk
 * (`eventual`, `session`), or a majority has (`strong`).
 *
 * Every method throws {@link InvalidInputError} for a key, value or option that cannot be, {@link UnavailableError} when what the level promises cannot be had in
 * time, and {@link UnknownOutcomeError} for a write that may or may not have happened.
 */
export interface Board {
  readonly name: string;
  /** `undefined` when the key is absent, deleted or expired. */
  get(key: string, options?: ReadOptions): Promise<Entry | undefined>;
  /** In the order of the keys' code units. */
  list(prefix: string, options?: ReadOptions & { readonly after?: string; readonly limit?: number }): Promise<readonly Entry[]>;
  /** @throws {ConflictError} when it names another level than was chosen for the key; its `details` have the key's `level`. So do `compareAndSet`, `increment`, `add`. */
  set(key: string, value: JsonValue, options?: CreateOptions): Promise<Entry>;
  /** True when there was something to delete. */
  delete(key: string, options?: WriteOptions): Promise<boolean>;
  /**
   * Writes if the key is at `expected`, an entry's `version`; `undefined`: if it is absent. For keys of level `strong` only.
   * @throws {ConflictError} when it is elsewhere; nothing has changed. Its `details` have the present `version`.
   */
  compareAndSet(key: string, expected: string | undefined, value: JsonValue, options?: CreateOptions): Promise<Entry>;
  /** Concurrent increments add up. Not for keys of level `strong`. */
  increment(key: string, by: number, options?: CreateOptions): Promise<Entry>;
  /** Adds an element to a set. An element that is added and removed at the same time stays. Not for keys of level `strong`. */
  add(key: string, element: JsonValue, options?: CreateOptions): Promise<Entry>;
  /** True when the element was there. */
  remove(key: string, element: JsonValue, options?: WriteOptions): Promise<boolean>;
  /** All concurrent versions of a key, the one that is read first; empty when there is but one. */
  conflicts(key: string, options?: ReadOptions): Promise<readonly Entry[]>;
  /** Writes the value in place of all versions that `conflicts` shows. @throws {ConflictError} when there is no conflict, unless `value` is read already. */
  resolve(key: string, value: JsonValue, options?: WriteOptions): Promise<Entry>;
  /** The latest changes of a key that this hub has seen, newest first, as far back as it keeps them. */
  history(key: string, options?: ReadOptions & { readonly limit?: number }): Promise<readonly Entry[]>;
  /** Changes under `prefix` as this hub comes to know of them, from the first `next()` on, until `signal` aborts. A slow reader gets the latest change of a key only. */
  watch(prefix: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<EntryChange>;
  /**
   * Merges entries that came by other ways, as `get`, `list` and `conflicts` show them: those that the key's present versions do not supersede are kept. What
   * changed. Concurrent versions of a key belong into one call.
   */
  merge(entries: readonly Entry[]): Promise<readonly EntryChange[]>;
  /** Exchanges with every peer now. @throws {UnavailableError} when no peer could be reached; `details` say which could not. */
  sync(options?: ReadOptions): Promise<void>;
  /** A session that goes on from a token, or a new one. @throws {InvalidInputError} when the token is none, or of another board. */
  session(token?: string): BoardSession;
}

/** A board as one reader and writer sees it: reads show at least what this session has written and read before, on whatever hub. */
export interface BoardSession extends Board {
  /** Carries the session to another hub. Opaque; changes with every read and write. */
  readonly token: string;
}
