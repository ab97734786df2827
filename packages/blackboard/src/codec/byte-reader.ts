import { InvalidInputError } from '@meshwork/core';
import { keepForm } from '../stay-compiled.ts';
import { codesOf } from './codes.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads what a `ByteWriter` wrote. Trusts nothing: a length is held against the bytes that are left before anything is made of it, and whatever does not fit is
 * an {@link InvalidInputError}.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    if (this.#at >= this.#end) throw tooShort();
    return this.#bytes[this.#at++] as number;
  }

  /** A whole number from 0 to `most`. */
  varint(most: number = Number.MAX_SAFE_INTEGER): number {
    let value = this.byte();
    if (value > 127) value = this.#longVarint(value & 127);
    if (value > most) throw new InvalidInputError(`a message says ${value} where at most ${most} can be; ask for it again`);
    return value;
  }

  signed(): number {
    const first = this.byte();
    let size = (first & 127) >>> 1;
    if (first > 127) {
      const rest = this.varint(Number.MAX_SAFE_INTEGER / 64);
      if (rest === 0) throw overlong();
      size += rest * 64;
    }
    if ((first & 1) === 0) return size;
    if (size === 0) throw overlong();
    return -size;
  }

  float64(): number {
    if (this.left < 8) throw tooShort();
    const value = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, 8).getFloat64(0, true);
    this.#at += 8;
    return value;
  }

  /** How many things follow, each of which takes at least `leastBytes`. */
  count(leastBytes: number): number {
    const count = this.varint();
    if (count * leastBytes > this.left) throw tooShort();
    return count;
  }

  /** A view of the bytes, not a copy. */
  bytes(maxLength: number = Number.MAX_SAFE_INTEGER): Uint8Array {
    return this.raw(this.varint(maxLength));
  }

  /** A view of so many bytes. */
  raw(length: number): Uint8Array {
    if (length > this.left) throw tooShort();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A well-formed text of at most `maxLength` characters. */
  text(maxLength: number = Number.MAX_SAFE_INTEGER): string {
    const length = this.varint();
    if (length <= 64 && length <= maxLength) {
      const codes = codesOf(length);
      if (this.ascii(length, codes, 0)) return String.fromCharCode.apply(undefined, codes);
    }
    return this.utf8(length, maxLength);
  }

  /** A well-formed text of so many bytes. */
  utf8(length: number, maxLength: number): string {
    if (length > maxLength * 3) throw new InvalidInputError(`a message holds a text of ${length} bytes where ${maxLength} characters are allowed`);
    const bytes = this.raw(length);
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch (cause) {
      throw new InvalidInputError('a message holds a text that is not UTF-8; ask for it again', { cause });
    }
    if (text.length > maxLength) throw new InvalidInputError(`a message holds a text of ${text.length} characters where ${maxLength} are allowed`);
    return text;
  }

  /** Puts so many bytes into `codes`, from `at` on. False, and nothing is read, when one is none of ASCII. */
  ascii(length: number, codes: number[], at: number): boolean {
    if (length > this.left) throw tooShort();
    const bytes = this.#bytes;
    const start = this.#at;
    for (let done = 0; done < length; done++) {
      const code = bytes[start + done] as number;
      if (code > 127) return false;
      codes[at + done] = code;
    }
    this.#at = start + length;
    return true;
  }

  /** @throws {InvalidInputError} when something is left. */
  end(): void {
    if (this.left > 0) throw new InvalidInputError(`a message goes on for ${this.left} bytes after its end; ask for it again`);
  }

  #longVarint(low: number): number {
    let value = low;
    for (let scale = 128; ; scale *= 128) {
      const next = this.byte();
      value += (next & 127) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new InvalidInputError('a message holds a number above 2^53 - 1; ask for it again');
      if (next > 127) continue;
      // One number has one form, so that equal messages are equal bytes.
      if (next === 0) throw overlong();
      return value;
    }
  }
}

function tooShort(): InvalidInputError {
  return new InvalidInputError('a message ends before it should; ask for it again');
}

function overlong(): InvalidInputError {
  return new InvalidInputError('a message holds a number in a longer form than it needs; ask for it again');
}

keepForm(new ByteReader(new Uint8Array()));
