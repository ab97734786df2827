import { InvalidInputError } from '@meshwork/core';
import type { Delta, DeltaEntry, Version } from '../state/board-state.ts';
import { HeldVersion } from '../state/held-version.ts';
import { keepForm, portion } from '../stay-compiled.ts';
import { ByteWriter } from './byte-writer.ts';
import { writeContext, writeVector } from './context-codec.ts';
import { deltaVersion, flags, kinds } from './delta-format.ts';
import { writeAfter } from './front-coding.ts';
import { ValueEncoder } from './value-encoder.ts';

/** A delta as bytes, for `decodeDelta`. Small: what versions have in common is written once, and of what is like before only what differs. */
export function encodeDelta({ entries, context, covers }: Delta): Uint8Array<ArrayBuffer> {
  const encoder = new EntryEncoder(entries.length);
  const contexts = new ByteWriter();
  const numberOf = (replica: string) => encoder.replicas.of(replica);
  writeContext(contexts, context, numberOf);
  writeVector(contexts, covers.from, numberOf);
  writeVector(contexts, covers.to, numberOf);
  for (let at = 0; at < entries.length; at += portion) encoder.write(entries, at, Math.min(at + portion, entries.length));
  const whole = new ByteWriter();
  whole.byte(deltaVersion);
  encoder.replicas.write(whole);
  encoder.writers.write(whole);
  whole.append(contexts);
  whole.varint(entries.length);
  for (const part of encoder.parts) whole.part(part);
  return whole.finish();
}

/** What versions of one replica, kind and writer have in common, and where the replica's last version was. */
interface Source {
  readonly index: number;
  readonly kind: string;
  readonly writer: string;
  readonly place: Place;
}

interface Place {
  counter: number;
  time: number;
  expiresAt: number;
}

class EntryEncoder {
  readonly replicas = new NameTable();
  readonly writers = new NameTable();
  readonly #keys = new ByteWriter();
  readonly #dots = new ByteWriter();
  readonly #values = new ByteWriter();
  readonly parts = [this.#keys, this.#dots, this.#values];
  readonly #encoder: ValueEncoder;
  readonly #sources = new Map<string, Source[]>();
  readonly #places = new Map<string, Place>();
  #count = 0;
  #lastKey = '';
  #latest: { readonly replica: string; readonly source: Source } | undefined;

  constructor(entries: number) {
    this.#encoder = new ValueEncoder(this.#values, entries);
  }

  /** Those from one place to before another. */
  write(entries: readonly DeltaEntry[], from: number, to: number): void {
    for (let at = from; at < to; at++) this.#write(entries[at] as DeltaEntry);
  }

  #write(entry: DeltaEntry): void {
    const { key } = entry;
    writeAfter(this.#keys, this.#lastKey, key);
    this.#lastKey = key;
    if (entry instanceof HeldVersion) this.#writeVersion(entry, 0);
    else this.#writeGroup(entry);
  }

  #writeGroup({ key, versions: [first, ...others], seen }: DeltaEntry): void {
    if (first === undefined) throw new InvalidInputError(`a delta has no version of ${JSON.stringify(key)}`);
    const isLone = others.length === 0 && seen === undefined;
    this.#writeVersion(first, isLone ? 0 : flags.more);
    if (isLone) return;
    this.#dots.varint(others.length * 2 + (seen === undefined ? 0 : 1));
    if (seen !== undefined) writeContext(this.#dots, seen, (replica) => this.replicas.of(replica));
    for (const version of others) this.#writeVersion(version, 0);
  }

  #writeVersion(version: Version, more: number): void {
    const { counter, time, expiresAt, value } = version;
    const source = this.#sourceOf(version);
    const { place } = source;
    const isNext = counter === place.counter + 1;
    const flag = more + (isNext ? flags.next : 0) + (expiresAt === undefined ? 0 : flags.expires);
    this.#dots.varint(source.index * 8 + flag);
    if (source.index === this.#count) this.#writeSource(version);
    if (!isNext) this.#dots.signed(counter - place.counter);
    this.#dots.signed(time - place.time);
    place.counter = counter;
    place.time = time;
    if (expiresAt !== undefined) {
      this.#dots.signed(expiresAt - place.expiresAt);
      place.expiresAt = expiresAt;
    }
    if (value !== undefined) this.#encoder.write(value);
  }

  #sourceOf({ replica, kind, writer }: Version): Source {
    const latest = this.#latest;
    if (latest !== undefined && latest.replica === replica && latest.source.kind === kind && latest.source.writer === writer) return latest.source;
    const sources = this.#sources.get(replica) ?? [];
    let source = sources.find((other) => other.kind === kind && other.writer === writer);
    if (source === undefined) {
      source = { index: this.#count, kind, writer, place: this.#placeOf(replica) };
      sources.push(source);
      this.#sources.set(replica, sources);
    }
    this.#latest = { replica, source };
    return source;
  }

  #writeSource({ replica, kind, writer }: Version): void {
    this.#count++;
    this.#dots.varint(this.replicas.of(replica));
    this.#dots.byte(kinds.indexOf(kind));
    this.#dots.varint(this.writers.of(writer));
  }

  #placeOf(replica: string): Place {
    let place = this.#places.get(replica);
    if (place === undefined) {
      place = { counter: 0, time: 0, expiresAt: 0 };
      this.#places.set(replica, place);
    }
    return place;
  }
}

/** Names by number, in the order in which they are first asked for. */
class NameTable {
  readonly #numbers = new Map<string, number>();

  of(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(name, number);
    }
    return number;
  }

  write(writer: ByteWriter): void {
    writer.varint(this.#numbers.size);
    for (const name of this.#numbers.keys()) writer.text(name);
  }
}

keepForm(new EntryEncoder(0));
keepForm(new NameTable());
