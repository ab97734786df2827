import { InvalidInputError, type JsonValue } from '@meshwork/core';
import type { ValueLimits } from '../state/own-json.ts';
import { keepForm } from '../stay-compiled.ts';
import { ByteReader } from './byte-reader.ts';
import { readAfter } from './front-coding.ts';
import { maxKnown, maxRepeatedLength, tags } from './value-tags.ts';

interface Shape {
  readonly names: readonly string[];
  /** An object with these members. */
  readonly template: { readonly [name: string]: JsonValue };
  /** Characters of the names, as a value's limit counts them. */
  readonly length: number;
  readonly last: JsonValue[];
}

type Members = { [name: string]: JsonValue };

/**
 * Reads what a `ValueEncoder` wrote, as frozen values that `ownJson` would take.
 * Each method throws {@link InvalidInputError} for what is no value, or larger or deeper than the limits.
 */
export class ValueDecoder {
  readonly #reader: ByteReader;
  readonly #limits: ValueLimits;
  readonly #shapes: Shape[] = [];
  readonly #repeated: string[] = [];
  #left = 0;
  #depth = 0;

  constructor(reader: ByteReader, limits: ValueLimits) {
    this.#reader = reader;
    this.#limits = limits;
  }

  read(): JsonValue {
    this.#left = this.#limits.maxValueLength;
    this.#depth = this.#limits.maxDepth;
    return this.#read(null);
  }

  #read(last: JsonValue): JsonValue {
    const tag = this.#reader.byte();
    if (tag >= tags.smallNumbers) {
      if (tag < tags.smallRepeated) return this.#number(tag - tags.smallNumbers);
      if (tag < tags.smallShapes) return this.#textAt(tag - tags.smallRepeated);
      if (tag < tags.differences) return this.#object(this.#shapes[tag - tags.smallShapes]);
      if (tag < tags.end) return this.#number(typeof last === 'number' ? last + tag - tags.differences - 32 : Number.NaN);
      throw unknown();
    }
    switch (tag) {
      case tags.text:
        return this.#text(last);
      case tags.positive:
        return this.#number(this.#reader.varint() + 32);
      case tags.negative:
        return this.#number(-1 - this.#reader.varint());
      case tags.float64:
        return this.#float();
      case tags.repeatedText:
        return this.#repeatedText(last);
      case tags.repeated:
        return this.#textAt(this.#reader.varint() + 64);
      case tags.shape:
        return this.#object(this.#shapes[this.#reader.varint() + 32]);
      case tags.newShape:
        return this.#object(this.#newShape());
      case tags.array:
        return this.#array();
      case tags.null:
        this.#spend(2);
        return null;
      case tags.false:
      case tags.true:
        this.#spend(4);
        return tag === tags.true;
      default:
        throw unknown();
    }
  }

  #number(value: number): number {
    this.#spend(2);
    if (!Number.isSafeInteger(value)) throw unknown();
    return value;
  }

  #float(): number {
    this.#spend(2);
    const value = this.#reader.float64();
    if (!Number.isFinite(value) || Object.is(value, -0)) throw unknown();
    return value;
  }

  #text(last: JsonValue): string {
    const text = readAfter(this.#reader, typeof last === 'string' ? last : '', this.#left);
    this.#spend(text.length + 2);
    return text;
  }

  #repeatedText(last: JsonValue): string {
    const text = this.#text(last);
    if (text.length > maxRepeatedLength || this.#repeated.length >= maxKnown) throw unknown();
    this.#repeated.push(text);
    return text;
  }

  #textAt(index: number): string {
    const text = this.#repeated[index];
    if (text === undefined) throw unknown();
    this.#spend(text.length + 2);
    return text;
  }

  #array(): JsonValue {
    this.#enter();
    const count = this.#reader.count(1);
    this.#spend(count + 2);
    const items: JsonValue[] = [];
    for (let at = 0; at < count; at++) items.push(this.#read(null));
    this.#depth++;
    return Object.freeze(items);
  }

  #object(shape: Shape | undefined): JsonValue {
    if (shape === undefined) throw unknown();
    this.#enter();
    const { names, template, last } = shape;
    this.#spend(shape.length + 2);
    // All members at once, as engines do quickly: each has its own place then, `__proto__` too.
    const members: Members = { ...template };
    for (let at = 0; at < names.length; at++) {
      const member = this.#read(last[at] as JsonValue);
      members[names[at] as string] = member;
      last[at] = member;
    }
    this.#depth++;
    return Object.freeze(members);
  }

  #newShape(): Shape {
    const count = this.#reader.count(1);
    if (count > this.#left) throw unknown();
    const names: string[] = [];
    let length = 0;
    for (let at = 0; at < count; at++) {
      const name = this.#reader.text(this.#left);
      length += name.length + 3;
      names.push(name);
    }
    const template = Object.fromEntries(names.map((name) => [name, null]));
    if (Object.keys(template).length < count) throw new InvalidInputError('a message names a member of an object twice; ask for it again');
    const shape = { names, template, length, last: new Array<JsonValue>(count).fill(null) };
    if (this.#shapes.length < maxKnown) this.#shapes.push(shape);
    return shape;
  }

  #enter(): void {
    if (this.#depth === 0) throw new InvalidInputError(`a value is deeper than ${this.#limits.maxDepth} levels; make it flatter`);
    this.#depth--;
  }

  #spend(characters: number): void {
    this.#left -= characters;
    if (this.#left < 0)
      throw new InvalidInputError(`a value is larger than ${this.#limits.maxValueLength} characters; store it elsewhere and keep its address here`);
  }
}

function unknown(): InvalidInputError {
  return new InvalidInputError('a message holds what is no value; ask for it again');
}

keepForm(new ValueDecoder(new ByteReader(new Uint8Array()), { maxValueLength: 0, maxDepth: 0 }));
