import type { Enduring } from './durability.ts';
import type { StoredValue } from './journal.ts';

/** A key's present value. */
export interface KeyValueEntry {
  readonly key: string;
  readonly value: StoredValue;
  /** Grows with every change in the store: no two changes share one, and a key's later value has a larger one. */
  readonly revision: number;
  /** Of a key that expires, when `get` or `list` gives it: the milliseconds it had left, at least 1. */
  readonly ttlMs?: number;
}

/** One change of one key. */
export type KeyValueChange = ({ readonly type: 'put' } & KeyValueEntry) | { readonly type: 'delete'; readonly key: string; readonly revision: number };

export interface PutOptions {
  /** The revision the caller has seen; 0: the key must not exist. */
  readonly expected?: number;
  /** Milliseconds until the key is gone: a whole number from 1 to 2^52. */
  readonly ttlMs?: number;
}

/**
 * Port: where a package keeps state. A key is any well-formed string of 1 to 1,024 UTF-8 bytes; a namespace is a key prefix.
 * What a call acknowledged is there after a crash, unless `durability` says otherwise. Absence is `undefined`, failure a throw of `MeshworkError`.
 */
export interface KeyValueStore extends Enduring {
  get(key: string): Promise<KeyValueEntry | undefined>;
  /**
   * Keeps a copy of the value, taken before the call returns. @throws {InvalidInputError} when the value is neither JSON nor bytes, or `ttlMs` is
   * no time to live, {@link ConflictError} when `expected` is not the key's revision; nothing is changed.
   */
  put(key: string, value: StoredValue, options?: PutOptions): Promise<{ readonly revision: number }>;
  /** True when there was something to delete. @throws {ConflictError} when `expected` is not the key's revision; nothing is changed. */
  delete(key: string, options?: { readonly expected?: number }): Promise<boolean>;
  /** The entries whose key starts with `prefix`, in the order of the keys' UTF-8 bytes, read in pages; keys up to `after` are left out. */
  list(prefix: string, options?: { readonly limit?: number; readonly after?: string }): AsyncIterable<KeyValueEntry>;
  /**
   * Changes under `prefix`, each once and in the order of their revisions, until `signal` aborts: those after revision `from`, then new
   * ones; without `from`, new ones only. Expiry of a key shows as its deletion, before the key is used again. Watching has begun when the first
   * `next()` is called, and ends when the store is closed.
   *
   * @throws {HistoryDroppedError} when changes after `from` are no longer kept, {@link ClosedError} when the store was closed before.
   */
  watch(prefix: string, options?: { readonly from?: number; readonly signal?: AbortSignal }): AsyncIterable<KeyValueChange>;
  close(): Promise<void>;
}

/** A store that offers both ports, as the drivers do. */
export type Store = KeyValueStore & import('./journal.ts').Journal;
