import { InvalidInputError, type JsonValue } from '@meshwork/core';
import type { Delta, DeltaEntry, VersionKind } from '../state/board-state.ts';
import { isWithinVector } from '../state/context.ts';
import { type HeldVersion, holdVersion } from '../state/held-version.ts';
import { maxNameLength } from '../state/names.ts';
import { ReplicaLog } from '../state/replica-log.ts';
import { keepForm, portion } from '../stay-compiled.ts';
import { ByteReader } from './byte-reader.ts';
import { readContext, readVector } from './context-codec.ts';
import { deltaVersion, flags, kinds } from './delta-format.ts';
import { checkTotal, type DeltaLimits } from './delta-limits.ts';
import { readAfter } from './front-coding.ts';
import { ValueDecoder } from './value-decoder.ts';

/**
 * The delta that `encodeDelta` made bytes of. Its values are frozen, and everything that `merge` takes for granted has been checked.
 * @throws {InvalidInputError} when the bytes are none of ours, or beyond the limits.
 */
export function decodeDelta(bytes: Uint8Array, { maxKeyLength = 1_024, maxValueLength = 1_048_576 }: DeltaLimits = {}): Delta {
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version !== deltaVersion) throw new InvalidInputError(`a delta is of version ${version}, which this program does not know; update it`);
  const replicas = readNames(reader);
  const writers = readNames(reader);
  const context = readContext(reader, replicas);
  const covers = { from: readVector(reader, replicas), to: readVector(reader, replicas) };
  if (!isWithinVector(covers.to, context.vector)) throw unfit('says that it covers more than its sender has seen');
  const count = reader.varint();
  const [keys, dots, values] = [new ByteReader(reader.bytes()), new ByteReader(reader.bytes()), new ByteReader(reader.bytes())];
  reader.end();
  // A key takes a byte at least, and a version two.
  if (count > keys.left || count * 2 > dots.left) throw unfit('has fewer entries than it says');
  const decoder = new EntryDecoder({ replicas, writers, keys, maxKeyLength, dots, values: new ValueDecoder(values, { maxValueLength, maxDepth: 64 }) });
  const entries: DeltaEntry[] = [];
  while (entries.length < count) decoder.read(entries, Math.min(count - entries.length, portion));
  for (const part of [keys, dots, values]) part.end();
  return { entries, context, covers };
}

interface Source {
  readonly kind: VersionKind;
  readonly writer: string;
  readonly place: Place;
}

/** Where the last version of a replica was. */
interface Place {
  readonly log: ReplicaLog;
  counter: number;
  time: number;
  expiresAt: number;
}

interface Columns {
  readonly replicas: readonly string[];
  readonly writers: readonly string[];
  readonly keys: ByteReader;
  readonly maxKeyLength: number;
  readonly dots: ByteReader;
  readonly values: ValueDecoder;
}

class EntryDecoder {
  readonly #replicas: readonly string[];
  readonly #writers: readonly string[];
  readonly #keys: ByteReader;
  readonly #maxKeyLength: number;
  readonly #dots: ByteReader;
  readonly #values: ValueDecoder;
  readonly #sources: Source[] = [];
  readonly #places = new Map<string, Place>();
  #key = '';

  constructor({ replicas, writers, keys, maxKeyLength, dots, values }: Columns) {
    this.#replicas = replicas;
    this.#writers = writers;
    this.#keys = keys;
    this.#maxKeyLength = maxKeyLength;
    this.#dots = dots;
    this.#values = values;
  }

  /** Appends so many entries. */
  read(entries: DeltaEntry[], count: number): void {
    for (let left = count; left > 0; left--) entries.push(this.#next());
  }

  #next(): DeltaEntry {
    const key = readAfter(this.#keys, this.#key, this.#maxKeyLength);
    this.#key = key;
    const dots = this.#dots;
    const head = dots.varint();
    const first = this.#readVersion(key, head);
    if ((head & flags.more) === 0) return first;
    const more = dots.varint();
    const hasSeen = more % 2 === 1;
    const count = (more - (more % 2)) / 2;
    if (count > dots.left) throw unfit('has fewer versions of a key than it says');
    const seen = hasSeen ? readContext(dots, this.#replicas) : undefined;
    const versions = [first];
    for (let at = 0; at < count; at++) {
      const next = dots.varint();
      if ((next & flags.more) !== 0) throw unfit('has versions within versions');
      versions.push(this.#readVersion(key, next));
    }
    return seen === undefined ? { key, versions } : { key, versions, seen };
  }

  #readVersion(key: string, head: number): HeldVersion {
    const dots = this.#dots;
    const index = Math.floor(head / 8);
    const source = this.#sources[index] ?? this.#newSource(index);
    const { kind, writer, place } = source;
    const counter = place.counter + ((head & flags.next) === 0 ? dots.signed() : 1);
    const time = place.time + dots.signed();
    if (!isWhole(counter - 1) || !isWhole(time)) throw unfit('has a version that nobody can have written');
    place.counter = counter;
    place.time = time;
    let expiresAt: number | undefined;
    if ((head & flags.expires) !== 0) {
      expiresAt = place.expiresAt + dots.signed();
      if (!isWhole(expiresAt)) throw unfit('has a version that expires at no time');
      place.expiresAt = expiresAt;
    }
    return holdVersion(place.log.origin(kind, writer, time), key, counter, time, this.#readValue(kind), expiresAt);
  }

  #readValue(kind: VersionKind): JsonValue | undefined {
    if (kind === 'deleted') return undefined;
    const value = this.#values.read();
    return kind === 'count' ? checkTotal(value) : value;
  }

  #newSource(index: number): Source {
    const dots = this.#dots;
    const replica = this.#replicas[dots.varint()];
    const kind = kinds[dots.byte()];
    const writer = this.#writers[dots.varint()];
    if (index !== this.#sources.length || replica === undefined || kind === undefined || writer === undefined) throw unfit('has a version of nobody');
    let place = this.#places.get(replica);
    if (place === undefined) {
      place = { log: new ReplicaLog(replica, { isLoose: true }), counter: 0, time: 0, expiresAt: 0 };
      this.#places.set(replica, place);
    }
    const source = { kind, writer, place };
    this.#sources.push(source);
    return source;
  }
}

function readNames(reader: ByteReader): string[] {
  const count = reader.count(1);
  const names: string[] = [];
  for (let at = 0; at < count; at++) names.push(reader.text(maxNameLength));
  if (new Set(names).size < count) throw unfit('names somebody twice');
  return names;
}

function isWhole(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0;
}

function unfit(what: string): InvalidInputError {
  return new InvalidInputError(`a delta ${what}; ask for it again`);
}

const none = new ByteReader(new Uint8Array());
keepForm(
  new EntryDecoder({ replicas: [], writers: [], keys: none, maxKeyLength: 0, dots: none, values: new ValueDecoder(none, { maxValueLength: 0, maxDepth: 0 }) }),
);
