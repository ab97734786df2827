import type { IdSource, Journal } from '@meshwork/core';
import type { HybridClock } from '../hybrid-clock.ts';
import type { BoardState, Change, Delta } from '../state/board-state.ts';
import type { VersionVector } from '../state/context.ts';
import type { StateLimits, Streams } from './recover.ts';

export interface ReplicaOptions {
  readonly journal: Journal;
  readonly streams: Streams;
  /** Where the store is: another place makes it a copy, which takes another name. */
  readonly place: string;
  readonly limits: StateLimits;
  readonly clock: HybridClock;
  readonly ids: IdSource;
  /** Bytes of log from which on a snapshot is worth while. */
  readonly minLogBytes: number;
  readonly onError: (error: unknown) => void;
  readonly onRenamed: (event: { readonly was: string; readonly is: string; readonly reason: string }) => void;
}

/** What is told once it is on disk. */
export type DurableListener = (changes: readonly Change[]) => void;

/** A state that is on disk before anybody hears of it. */
export interface Replica {
  /** As it is now: what it holds may not be on disk yet. */
  readonly state: BoardState;
  /** Of this run of the program; no other one has it. */
  readonly life: string;
  readonly time: HybridClock;
  /** What is on disk. */
  readonly durable: VersionVector;
  /** Whether all that a vector tells of is on disk, or forgotten. */
  hasOnDisk(vector: VersionVector): boolean;
  /** Whether all that it holds is on disk. */
  readonly isSettled: boolean;
  /** Changes with everything that is read. */
  readonly edition: number;
  /**
   * Changes a key, and waits until that is on disk. False when the work changed nothing.
   * @throws {UnavailableError} when nothing was changed, {@link UnknownOutcomeError} when the disk fails: the change may turn out to be kept.
   */
  write(key: string, work: (state: BoardState) => Delta | undefined): Promise<boolean>;
  /**
   * Merges a delta, or what is made of the state as it is then, and waits until it is on disk. What changed; `undefined` when something is missing before the delta, and
   * nothing was merged. `isLogged`: keep the delta itself, for the vector does not tell what it brings.
   */
  merge(delta: Delta | ((state: BoardState) => Delta | undefined), options?: { readonly isLogged?: boolean }): Promise<readonly Change[] | undefined>;
  /** Until all that has been read of the key is on disk; without a key, of all keys. `undefined` when it is. @throws {UnavailableError} when nothing is kept any more. */
  settled(key?: string): Promise<void> | undefined;
  /** Goes on under a new name, with what this run has written as writes of the new one. */
  rename(reason: string): Promise<void>;
  collect(stable: VersionVector): number;
  onDurable(listener: DurableListener): void;
  close(): Promise<void>;
}
