import { InvalidInputError } from '@meshwork/core';
import { ByteReader } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { type Epoch, readEpoch, writeEpoch } from './epoch.ts';
import type { Register, RegisterLimits } from './register.ts';
import { readName, readRegister, writeRegister } from './register-codec.ts';

/** What a member writes down. Read in order, and merged: the same records twice, or with older ones behind them, make the same member. */
export type LogRecord =
  /** Who it is, and where; another id than before begins anew. */
  | { readonly kind: 'identity'; readonly id: string; readonly place: string }
  /** A process has begun to write; those before write no more. */
  | { readonly kind: 'start'; readonly process: string }
  /** The epoch it belongs to; formed when every member is known to have written it down. */
  | { readonly kind: 'epoch'; readonly epoch: Epoch; readonly isFormed: boolean }
  /** It takes no part in epochs up to this one any more. */
  | { readonly kind: 'frozen'; readonly number: number }
  | { readonly kind: 'register'; readonly register: Register };

const VERSION = 1;
/** What was taken once is read again, whatever the limits have become. */
const noLimits: RegisterLimits = { maxKeyLength: 2 ** 30, maxValueLength: 2 ** 30, maxDepth: 1_000 };
const kinds = ['identity', 'start', 'epoch', 'frozen', 'register'] as const;

export function encodeRecord(record: LogRecord): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(VERSION);
  writer.byte(kinds.indexOf(record.kind));
  switch (record.kind) {
    case 'identity':
      writer.text(record.id);
      writer.text(record.place);
      break;
    case 'start':
      writer.text(record.process);
      break;
    case 'epoch':
      writer.byte(Number(record.isFormed));
      writeEpoch(writer, record.epoch);
      break;
    case 'frozen':
      writer.varint(record.number);
      break;
    case 'register':
      writeRegister(writer, record.register);
  }
  return writer.finish();
}

/** @throws {InvalidInputError} when it is none, or one of a newer version. */
export function decodeRecord(bytes: unknown): LogRecord {
  if (!(bytes instanceof Uint8Array)) throw new InvalidInputError('a record of the strong level is not bytes; something else writes to its stream');
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version !== VERSION) throw new InvalidInputError(`a record of the strong level is of version ${version}, and this hub reads ${VERSION}; update it`);
  const record = readRecord(reader);
  reader.end();
  return record;
}

function readRecord(reader: ByteReader): LogRecord {
  const kind = kinds[reader.byte()];
  switch (kind) {
    case 'identity':
      return { kind, id: readName(reader), place: readName(reader) };
    case 'start':
      return { kind, process: readName(reader) };
    case 'epoch': {
      const isFormed = reader.byte() === 1;
      return { kind, epoch: readEpoch(reader), isFormed };
    }
    case 'frozen':
      return { kind, number: reader.varint() };
    case 'register':
      return { kind, register: readRegister(reader, noLimits) };
    default:
      throw new InvalidInputError('a record of the strong level is of a kind that this hub does not know; update it');
  }
}
