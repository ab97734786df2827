import type { Enduring } from './durability.ts';
import type { JsonValue } from './json.ts';

/** A record as it was appended. */
export interface JournalRecord {
  /** Its place in the stream: 1, 2, 3 … without gaps. */
  readonly offset: number;
  /** When it was appended, in milliseconds since the Unix epoch. */
  readonly time: number;
  readonly value: StoredValue;
}

/** A record to be appended with a time that is not now. */
export interface PastRecord {
  /** In whole milliseconds since the Unix epoch. */
  readonly time: number;
  readonly value: StoredValue;
}

/**
 * What the ports carry: JSON, or bytes that come back as they went in. JSON means plain objects and arrays, strings, finite numbers, booleans
 * and null; a member that is `undefined` is left out. Everything else is refused: other objects, bytes inside JSON, whatever holds itself.
 */
export type StoredValue = JsonValue | Uint8Array;

/**
 * Port: append-only streams. What an `append` acknowledged is there after a crash, unless `durability` says otherwise; what it did not acknowledge is there whole or not
 * at all. Streams come into being with their first record. Absence is an empty stream, failure a throw of `MeshworkError`.
 */
export interface Journal extends Enduring {
  /**
   * Appends records, all or none, and returns their offsets. `expected` is the offset of the last record the caller has seen
   * (0: the stream is empty). Copies of the values are taken before the call returns. Appends to one stream happen in the order they are
   * called, also when nobody waits in between: so a writer can have several under way, each expecting the one before.
   *
   * @throws {InvalidInputError} when a value is neither JSON nor bytes, {@link ConflictError} when the stream has moved on; nothing is appended.
   */
  append(stream: string, records: readonly StoredValue[], options?: { readonly expected?: number }): Promise<readonly number[]>;
  /**
   * For copies of a journal, and for nothing else: appends records with the times they had. When it fails, some of them may be there, from the first
   * on: ask for the `head`, and go on behind it. Drivers have it; a journal without it cannot take a copy with its times.
   *
   * @throws {InvalidInputError} when a value is neither JSON nor bytes, {@link ConflictError} when the stream does not end at `expected`.
   */
  appendPast?(stream: string, records: readonly PastRecord[], options: { readonly expected: number }): Promise<readonly number[]>;
  /** Records from offset `from` (default: the oldest kept), oldest first, at most `limit` (default: all), read in pages. */
  read(stream: string, options?: { readonly from?: number; readonly limit?: number }): AsyncIterable<JournalRecord>;
  /** Records from offset `from` (default: the next to be appended), then each new one as it is acknowledged, until `signal` aborts or the journal closes. @throws {ClosedError} */
  follow(stream: string, options?: { readonly from?: number; readonly signal?: AbortSignal }): AsyncIterable<JournalRecord>;
  /** The offset of the newest record ever appended; 0 when there is none. Trimming does not change it. */
  head(stream: string): Promise<number>;
  /**
   * The names of the streams that ever had a record, those whose records are all dropped too, and that start with `prefix` (default: all): in the
   * order of their UTF-8 bytes, read in pages.
   */
  streams(prefix?: string): AsyncIterable<string>;
  /** Drops the records before `before`; offsets go on from where they were. */
  trim(stream: string, before: number): Promise<void>;
  close(): Promise<void>;
}
