import type { JsonValue } from '@meshwork/core';

/** A value at level `strong`, or its deletion (`value` is `undefined`). */
export interface StrongReading {
  readonly key: string;
  readonly value: JsonValue | undefined;
  /** Changes with every write. Opaque. */
  readonly version: string;
  readonly writer: string;
  /** Who took the write. */
  readonly replica: string;
  /** Hybrid logical time of the write, see `hybrid-clock.ts`: for people only, nothing is decided by it. */
  readonly time: number;
}

export interface StrongWrite {
  readonly key: string;
  /** `undefined` deletes. */
  readonly value: JsonValue | undefined;
  readonly writer: string;
  /** A whole number from 0 on. */
  readonly time: number;
}

/**
 * Port: linearizable registers. What the keys of level `strong` are kept in. Each method fails with {@link UnavailableError} when the answer cannot be had before
 * `signal` aborts, and a write with {@link UnknownOutcomeError} when it may have happened; none ever answers with what may be stale.
 */
export interface StrongStore {
  /** Whether it has `compareAndSet`. Without it the method fails with {@link InvalidInputError}. */
  readonly hasCompareAndSet: boolean;
  /** `undefined` when the key was never written. */
  read(key: string, options: { readonly signal: AbortSignal }): Promise<StrongReading | undefined>;
  write(write: StrongWrite, options: { readonly signal: AbortSignal }): Promise<StrongReading>;
  /** `expected` is a reading's version; `undefined`: never written or deleted. @throws {ConflictError} when the key is elsewhere: nothing has changed. */
  compareAndSet(write: StrongWrite, expected: string | undefined, options: { readonly signal: AbortSignal }): Promise<StrongReading>;
  /** Each reading is linearizable, the list as a whole is no snapshot. In the order of the keys' code units; deleted keys are left out. */
  list(prefix: string, options: { readonly signal: AbortSignal; readonly after?: string; readonly limit?: number }): Promise<readonly StrongReading[]>;
  /** Calls back when this hub hears of a write, perhaps late, perhaps twice, perhaps not of all. Until the function returned is called. */
  onChange(listener: (key: string) => void): () => void;
  close(): Promise<void>;
}
