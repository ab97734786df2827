import { InvalidInputError } from '@meshwork/core';
import { keepForm } from '../stay-compiled.ts';

const encoder = new TextEncoder();

/** Bytes written one after the other. Numbers are varints (LEB128): seven bits a byte, the lowest first. */
export class ByteWriter {
  /** Small at first: most messages are, and engines make arrays of up to 64 bytes quickly. */
  #bytes = new Uint8Array(64);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Takes back what was written beyond this length. */
  cut(length: number): void {
    this.#length = length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** A whole number from 0 to 2^53 - 1. */
  varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new InvalidInputError(`${value} cannot be written as a whole number from 0 to 2^53 - 1`);
    this.#reserve(8);
    this.#putVarint(value);
  }

  /** A whole number from -(2^53 - 1) to 2^53 - 1: the sign is the lowest bit of the first byte. */
  signed(value: number): void {
    const size = Math.abs(value);
    if (!Number.isSafeInteger(size)) throw new InvalidInputError(`${value} cannot be written as a whole number of up to 53 bits`);
    this.#reserve(9);
    const first = (size % 64) * 2 + (value < 0 ? 1 : 0);
    this.#bytes[this.#length++] = size < 64 ? first : first + 128;
    if (size >= 64) this.#putVarint(Math.floor(size / 64));
  }

  float64(value: number): void {
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** The length, and the bytes. */
  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.raw(value);
  }

  /** What another writer holds, and how much that is. */
  part(writer: ByteWriter): void {
    this.bytes(writer.#bytes.subarray(0, writer.#length));
  }

  /** What another writer holds, alone. */
  append(writer: ByteWriter): void {
    this.raw(writer.#bytes.subarray(0, writer.#length));
  }

  /** The bytes alone. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** The length in bytes, and UTF-8. @throws {InvalidInputError} when the text holds half a surrogate pair. */
  text(value: string): void {
    const start = this.#length;
    if (value.length < 128) {
      this.byte(value.length);
      if (this.ascii(value, 0)) return;
      this.#length = start;
    }
    this.bytes(utf8(value));
  }

  /** The characters from `start` on as a byte each. False, and nothing is written, when one is none of ASCII. */
  ascii(value: string, start: number): boolean {
    const { length } = value;
    this.#reserve(length - start);
    const bytes = this.#bytes;
    let to = this.#length;
    for (let at = start; at < length; at++) {
      const code = value.charCodeAt(at);
      if (code > 127) return false;
      bytes[to++] = code;
    }
    this.#length = to;
    return true;
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #putVarint(value: number): void {
    let rest = value;
    const bytes = this.#bytes;
    while (rest > 0x7fffffff) {
      bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      bytes[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[this.#length++] = rest;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** @throws {InvalidInputError} when the text holds half a surrogate pair. */
export function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new InvalidInputError('a text holds half a surrogate pair, which UTF-8 cannot carry; repair the text first');
  return encoder.encode(text);
}

keepForm(new ByteWriter());
