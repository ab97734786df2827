import { InvalidInputError } from '@meshwork/core';
import type { ByteReader } from './byte-reader.ts';
import { type ByteWriter, utf8 } from './byte-writer.ts';
import { codesOf, maxCodes } from './codes.ts';

// A text after another one of its sort: how many characters they begin with in common, and the rest in UTF-8. Where the first is at most 30 and the rest at most 7
// bytes, one byte says both; otherwise a 255 stands before the two numbers.

const apart = 255;

/** Writes a text after `previous`; `readAfter` needs the same one. */
export function writeAfter(writer: ByteWriter, previous: string, text: string): void {
  const shared = sharedBy(previous, text);
  const rest = text.length - shared;
  if (rest <= 7 && shared <= 30) {
    const { length } = writer;
    writer.byte(shared * 8 + rest);
    if (writer.ascii(text, shared)) return;
    writer.cut(length);
  }
  writer.byte(apart);
  writer.varint(shared);
  writer.bytes(utf8(text.slice(shared)));
}

/** @throws {InvalidInputError} when it is longer than `maxLength` characters, or no text after `previous`. */
export function readAfter(reader: ByteReader, previous: string, maxLength: number): string {
  const first = reader.byte();
  const shared = first === apart ? reader.varint(maxCodes) : first >>> 3;
  const rest = first === apart ? reader.varint() : first & 7;
  if (shared > previous.length) throw new InvalidInputError('a message takes more of a text than there is; ask for it again');
  const length = shared + rest;
  if (length <= maxCodes && length <= maxLength) {
    const codes = codesOf(length);
    if (reader.ascii(rest, codes, shared)) {
      return textOf(previous, shared, codes);
    }
  }
  const end = reader.utf8(rest, maxLength);
  if (shared === 0) return end;
  if (shared + end.length > Math.min(maxCodes, maxLength))
    throw new InvalidInputError('a message holds a text that is longer than is allowed; ask for it again');
  const codes = codesOf(shared + end.length);
  for (let at = 0; at < end.length; at++) codes[shared + at] = end.charCodeAt(at);
  return textOf(previous, shared, codes);
}

function textOf(previous: string, shared: number, codes: number[]): string {
  let all = 0;
  for (let at = 0; at < shared; at++) {
    const code = previous.charCodeAt(at);
    codes[at] = code;
    all |= code;
  }
  const text = String.fromCharCode.apply(undefined, codes);
  if (all > 127 && !text.isWellFormed()) throw new InvalidInputError('a message cuts a character in half; ask for it again');
  return text;
}

/** Never half of a surrogate pair. */
function sharedBy(previous: string, text: string): number {
  if (text.length > maxCodes) return 0;
  const most = Math.min(previous.length, text.length);
  let shared = 0;
  while (shared < most && previous.charCodeAt(shared) === text.charCodeAt(shared)) shared++;
  return shared > 0 && (text.charCodeAt(shared - 1) & 0xfc00) === 0xd800 ? shared - 1 : shared;
}
