import { InvalidInputError } from '@meshwork/core';
import type { ByteReader } from '../codec/byte-reader.ts';
import type { ByteWriter } from '../codec/byte-writer.ts';
import { ownJson } from '../state/own-json.ts';
import type { Register, RegisterLimits } from './register.ts';

/** So that a number can always be made one larger. */
const MAX_NUMBER = 2 ** 52;
const MAX_NAME_LENGTH = 1_024;
const DELETED = 1;

export function writeRegister(writer: ByteWriter, register: Register): void {
  const { key, tag, json, time } = register;
  writer.text(key);
  writer.varint(tag.number);
  writer.text(tag.write);
  writer.byte(json === undefined ? DELETED : 0);
  if (json !== undefined) writer.text(json);
  writer.text(register.writer);
  writer.text(register.replica);
  writer.varint(time);
}

/** @throws {InvalidInputError} when it is none, or larger than the limits. */
export function readRegister(reader: ByteReader, limits: RegisterLimits): Register {
  const key = reader.text(limits.maxKeyLength);
  const tag = { number: reader.varint(MAX_NUMBER), write: readName(reader) };
  const flags = reader.byte();
  if (flags > DELETED) throw new InvalidInputError('a register says of itself what nobody knows; update this hub, or ask for it again');
  const json = flags === DELETED ? undefined : readJson(reader, limits);
  const writer = readName(reader);
  const replica = readName(reader);
  const time = reader.varint();
  return { key, tag, json, writer, replica, time };
}

export function readName(reader: ByteReader): string {
  return reader.text(MAX_NAME_LENGTH);
}

function readJson(reader: ByteReader, limits: RegisterLimits): string {
  // A text has more characters than its value is counted for: escapes, and the digits of numbers.
  const text = reader.text(limits.maxValueLength * 6 + 64);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InvalidInputError('a register holds a value that is not JSON; ask for it again', { cause });
  }
  ownJson(value, limits);
  return text;
}
