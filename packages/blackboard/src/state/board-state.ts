import type { JsonValue } from '@meshwork/core';
import type { Context, VersionVector } from './context.ts';
import type { ForgottenRecord } from './forgotten-record.ts';

/** What a version is: a register's value or its deletion, one replica's total of a counter, an element of a set or its removal. */
export type VersionKind = 'value' | 'deleted' | 'count' | 'added' | 'removed';

/** A write that no other write has superseded. */
export interface Version {
  readonly key: string;
  /** The replica that wrote it, and its how-manieth write: the write's dot. */
  readonly replica: string;
  readonly counter: number;
  /** Hybrid logical time, see `hybrid-clock.ts`. Decides between concurrent writes which is read, and never which is kept. */
  readonly time: number;
  readonly kind: VersionKind;
  /** The value; for `count` the replica's total; for `added` and `removed` the element; nothing for `deleted`. Frozen. */
  readonly value?: JsonValue | undefined;
  /** Who wrote it, as the board's access rules know them. */
  readonly writer: string;
  /** Milliseconds since the Unix epoch from which on it reads as absent; never, when there is none. Kept and carried: whoever holds the state hides and deletes. */
  readonly expiresAt?: number | undefined;
}

/** What a write says of itself. */
export interface Stamp {
  /** Hybrid logical time: a whole number from 0 on. */
  readonly time: number;
  readonly writer: string;
  /** Milliseconds since the Unix epoch, a whole number from 0 on. Default: never. */
  readonly expiresAt?: number | undefined;
}

/** What is read of a key: the winner of its versions, and how many there are beside it. */
export interface Reading {
  readonly key: string;
  /** `undefined` where the winner is a deletion. A counter's sum; a set's elements in order. */
  readonly value: JsonValue | undefined;
  /** The version that won; of a counter or a set the latest one. */
  readonly version: Version;
  /** Versions that are concurrent with the winner and lost; for counters and sets only those of another kind. */
  readonly conflicts: number;
}

/** All versions of a key, or of one element of a set. */
export interface DeltaEntry {
  readonly key: string;
  /** At least one. */
  readonly versions: readonly Version[];
  /** What the sender had seen of this key alone, beyond the context of the delta. */
  readonly seen?: Context;
}

/** Part of a state that says all there is to say of its keys: whole groups of versions, and the context they were taken in. */
export interface Delta {
  readonly entries: readonly DeltaEntry[];
  /** What the sender had seen: a version of these keys that is in it and not among `entries` was superseded. */
  readonly context: Context;
  /** Whoever has seen `from` has seen `to` once the delta is merged. */
  readonly covers: { readonly from: VersionVector; readonly to: VersionVector };
}

/** A key that reads differently since a merge or a write. */
export interface Change {
  readonly key: string;
  readonly before: Reading | undefined;
  readonly after: Reading | undefined;
}

export interface MergeOptions {
  /** `false` when nobody wants to know what changed: a large delta is merged in half the time, and `merge` tells of no change. Default true. */
  readonly changes?: boolean;
}

/** Part of what there is, for somebody whose summary differs in these buckets. */
export interface DeltaPart {
  /** A bit each: the slots of these buckets, with all they hold. */
  readonly buckets: Uint8Array;
  /** Of the other slots those with a deletion beyond this vector: deletions are in no summary, and whoever is taken to have seen one has to have it. */
  readonly seen: VersionVector;
}

/**
 * Replicas whose first writes were all superseded and count as seen, without a component in any vector. The board's data says so, in records under keys of its own
 * (`forget`): what one replica says, all come to know.
 */
export interface ForgottenReplicas {
  /** How many. */
  readonly size: number;
  /** How many records there are. */
  readonly records: number;
  /** Of the records. */
  keys(): Iterable<string>;
  /** How many writes of a replica are forgotten; 0 for one that is not. */
  upTo(replica: string): number;
  /** A vector without the components that are forgotten, but for those of replicas that this state's own vector names. */
  without(vector: VersionVector): VersionVector;
  /** Whether whoever has seen `other`, and knows what is forgotten here, has seen all of a vector. */
  isWithin(vector: VersionVector, other: VersionVector): boolean;
}

/**
 * The replicated state of a board: a delta-state causal CRDT. Synchronous, in memory, free of effects; who holds it makes it durable and
 * carries its deltas.
 */
export interface BoardState {
  readonly replica: string;
  /** What has been seen, this replica's own writes among it. */
  readonly context: Context;
  readonly forgotten: ForgottenReplicas;
  /** Keys that hold something. */
  readonly size: number;
  /** Versions held, deletions among them. */
  readonly versions: number;
  read(key: string): Reading | undefined;
  /** All versions of a key, the winner first. */
  versionsOf(key: string): readonly Version[];
  /** In the order of their keys (code units), those that hold something. */
  list(prefix: string, options?: { readonly after?: string; readonly limit?: number }): Iterable<Reading>;
  /**
   * Each write supersedes what is held of the key here, and gives the delta that carries it.
   * @throws {InvalidInputError} when the key holds another kind, or the key or value is not one that can be kept.
   * @throws {ConflictError} when a delta told of writes of this replica that it does not know: its identity is in use elsewhere.
   */
  set(key: string, value: JsonValue, stamp: Stamp): Delta;
  /** `undefined` when there was nothing to delete. */
  delete(key: string, stamp: Stamp): Delta | undefined;
  increment(key: string, by: number, stamp: Stamp): Delta;
  add(key: string, element: JsonValue, stamp: Stamp): Delta;
  remove(key: string, element: JsonValue, stamp: Stamp): Delta | undefined;
  /**
   * Writes that replicas are forgotten. Only for those whose writes up to there this state has seen, and of which it holds nothing (`holdsOf`): then all of them were
   * superseded. Wherever the record comes, such versions go, and come no more.
   * @throws {InvalidInputError} when this replica has written a record at that time already.
   */
  forget(record: ForgottenRecord, stamp: Stamp): Delta;
  /** Whether any version that a replica wrote is held, deletions among them. */
  holdsOf(replica: string): boolean;
  /**
   * What somebody who has seen `since` lacks, oldest writes of each replica first, as one page of about `maxBytes`; `isLast` when nothing is left.
   * Costs what has changed, and not what there is. With `among`, `covers` only says how far the page has come.
   */
  deltaSince(
    since: VersionVector,
    options?: { readonly maxBytes?: number; readonly among?: DeltaPart | undefined },
  ): { readonly delta: Delta; readonly isLast: boolean };
  /** Commutative, associative and idempotent. What changed of what is read. @throws {InvalidInputError} when the delta contradicts itself; nothing has changed. */
  merge(delta: Delta, options?: MergeOptions): readonly Change[];
  /** Drops the deletions that all who are waited for have seen. How many. */
  collect(stable: VersionVector): number;
  /** SHA-256-free, order-free digest of the live versions: equal states have equal digests, whoever has dropped which deletions. */
  digest(): string;
  /**
   * Sums of the live versions, two words for each of `buckets` buckets of keys and elements (a power of two): equal where all that falls in a bucket is equal, whoever
   * has dropped which deletions. Reads everything.
   */
  summary(buckets: number): Uint32Array;
}
