import type { JsonValue } from '@meshwork/core';

/**
 * How much a key's readers may rely on: `eventual` sees writes of other hubs some time later; `session` sees at least what the same session has written and read,
 * on any hub; `strong` is linearizable, and unavailable without a majority of its members.
 */
export type Level = 'eventual' | 'session' | 'strong';

/**
 * What a writer can choose for a key. Not `session`: keys of that level are kept as those of level `eventual` are, and every reader of these has the same promise
 * with a session's token.
 */
export type ChosenLevel = Exclude<Level, 'session'>;

/** A key of a board, as people and tools see it. Data, frozen. */
export interface Entry {
  readonly key: string;
  /** Absent in a tombstone. A counter's sum; a set's elements in order. */
  readonly value?: JsonValue;
  readonly kind: 'register' | 'counter' | 'set';
  readonly level: Level;
  /** Changes with every write of the key; for `compareAndSet`. Opaque. */
  readonly version: string;
  /** The writes this entry stands for: by replica, the highest of its counters. Empty at level `strong`. */
  readonly clock: Readonly<Record<string, number>>;
  /** Who wrote it: the principal's id, as the hub that took the write verified it. */
  readonly writer: string;
  /** The replica that took the write. */
  readonly replica: string;
  /** By the hybrid logical clock of that replica: for people, and for which of concurrent values is read. ISO 8601. */
  readonly updatedAt: string;
  /** When it reads as absent. ISO 8601. */
  readonly expiresAt?: string;
  readonly tombstone: boolean;
  /** Concurrent values that are not read, and kept until somebody resolves them or writes the key. */
  readonly conflicts: number;
}

/** A key that reads differently than before. An entry that went away is a tombstone, or `undefined` when nothing is known of the key any more. */
export interface EntryChange {
  readonly key: string;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}
