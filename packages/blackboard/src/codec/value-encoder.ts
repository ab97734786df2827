import type { JsonObject, JsonValue } from '@meshwork/core';
import { keepForm } from '../stay-compiled.ts';
import { ByteWriter } from './byte-writer.ts';
import { writeAfter } from './front-coding.ts';
import { maxKnown, maxRepeatedLength, tags } from './value-tags.ts';

interface Shape {
  readonly index: number;
  readonly names: readonly string[];
  /** What each member was last. */
  readonly last: JsonValue[];
}

/** A power of two. */
const mostPlaces = 512;

/** Writes one value after the other: each may be told of as what differs from those before it. `ValueDecoder` reads them in the same order. */
export class ValueEncoder {
  readonly #writer: ByteWriter;
  readonly #shapes = new Map<string, Shape>();
  #latest: Shape | undefined;
  /** Texts as they came, each in its place until another one takes it, and which of those that repeat it is, from 1 on. */
  readonly #texts: string[];
  readonly #numbers: number[];
  #repeated = 0;

  /** `values`: about how many there will be, which says how many texts are worth remembering. */
  constructor(writer: ByteWriter, values: number) {
    this.#writer = writer;
    const places = Math.min(mostPlaces, 8 << Math.ceil(Math.log2(Math.min(values, mostPlaces) + 1)));
    this.#texts = new Array<string>(places).fill('');
    this.#numbers = new Array<number>(places).fill(0);
  }

  write(value: JsonValue): void {
    this.#write(value, null);
  }

  #write(value: JsonValue, last: JsonValue): void {
    if (typeof value === 'string') this.#writeText(value, typeof last === 'string' ? last : '');
    else if (typeof value === 'number') this.#writeNumber(value, last);
    else if (typeof value === 'boolean') this.#writer.byte(value ? tags.true : tags.false);
    else if (value === null) this.#writer.byte(tags.null);
    else if (isArray(value)) {
      this.#writer.byte(tags.array);
      this.#writer.varint(value.length);
      for (const item of value) this.#write(item, null);
    } else this.#writeObject(value);
  }

  #writeNumber(value: number, last: JsonValue): void {
    const writer = this.#writer;
    if (!Number.isSafeInteger(value)) {
      writer.byte(tags.float64);
      writer.float64(value);
    } else if (value >= 0 && value < 32) writer.byte(tags.smallNumbers + value);
    else if (typeof last === 'number' && value - last >= -32 && value - last < 32 && Number.isSafeInteger(last))
      writer.byte(tags.differences + 32 + value - last);
    else if (value < 0) {
      writer.byte(tags.negative);
      writer.varint(-1 - value);
    } else {
      writer.byte(tags.positive);
      writer.varint(value - 32);
    }
  }

  #writeText(value: string, last: string): void {
    const writer = this.#writer;
    if (value.length === 0 || value.length > maxRepeatedLength) {
      writer.byte(tags.text);
      writeAfter(writer, last, value);
      return;
    }
    const place = hash(value) & (this.#texts.length - 1);
    const isAgain = this.#texts[place] === value;
    const known = isAgain ? (this.#numbers[place] as number) : 0;
    if (known > 0) {
      if (known <= 64) writer.byte(tags.smallRepeated + known - 1);
      else {
        writer.byte(tags.repeated);
        writer.varint(known - 65);
      }
      return;
    }
    if (isAgain && this.#repeated < maxKnown) {
      this.#numbers[place] = ++this.#repeated;
      writer.byte(tags.repeatedText);
    } else {
      this.#texts[place] = value;
      this.#numbers[place] = 0;
      writer.byte(tags.text);
    }
    writeAfter(writer, last, value);
  }

  #writeObject(value: JsonObject): void {
    const names = Object.keys(value);
    const { last } = this.#tellShape(names);
    for (let at = 0; at < names.length; at++) {
      const member = value[names[at] as string] as JsonValue;
      this.#write(member, last[at] ?? null);
      last[at] = member;
    }
  }

  #tellShape(names: readonly string[]): Shape {
    const latest = this.#latest;
    const isLatest = latest !== undefined && isSame(latest.names, names);
    const known = isLatest ? latest : this.#shapes.get(JSON.stringify(names));
    if (known === undefined) return this.#newShape(names);
    this.#latest = known;
    if (known.index < 32) this.#writer.byte(tags.smallShapes + known.index);
    else {
      this.#writer.byte(tags.shape);
      this.#writer.varint(known.index - 32);
    }
    return known;
  }

  #newShape(names: readonly string[]): Shape {
    const shape = { index: this.#shapes.size, names, last: [] };
    if (shape.index < maxKnown) {
      this.#shapes.set(JSON.stringify(names), shape);
      this.#latest = shape;
    }
    this.#writer.byte(tags.newShape);
    this.#writer.varint(names.length);
    for (const name of names) this.#writer.text(name);
    return shape;
  }
}

function hash(text: string): number {
  const { length } = text;
  return length * 31 + text.charCodeAt(0) * 7 + text.charCodeAt(length >> 1) * 3 + text.charCodeAt(length - 1);
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

keepForm(new ValueEncoder(new ByteWriter(), 0));
