import { InvalidInputError } from '@meshwork/core';

const encoder = new TextEncoder();

/** Bytes written one after the other. Numbers are varints (LEB128): seven bits a byte, the lowest first. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
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

  /** The bytes alone. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** The length in bytes, and UTF-8. @throws {InvalidInputError} when the text holds half a surrogate pair. */
  text(value: string): void {
    const { length } = value;
    if (length < 64) {
      this.#reserve(length + 1);
      const bytes = this.#bytes;
      const start = this.#length + 1;
      let at = 0;
      for (; at < length; at++) {
        const code = value.charCodeAt(at);
        if (code > 127) break;
        bytes[start + at] = code;
      }
      if (at === length) {
        bytes[start - 1] = length;
        this.#length = start + length;
        return;
      }
    }
    if (!value.isWellFormed()) throw new InvalidInputError('a text holds half a surrogate pair, which UTF-8 cannot carry; repair the text first');
    this.bytes(encoder.encode(value));
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
