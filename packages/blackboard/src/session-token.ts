import { InvalidInputError } from '@meshwork/core';
import { fromBase64, toBase64 } from './base64.ts';
import { ByteReader } from './codec/byte-reader.ts';
import { ByteWriter } from './codec/byte-writer.ts';
import { decodeVector, encodeVector } from './codec/vector-codec.ts';
import type { VersionVector } from './state/context.ts';

const VERSION = 1;
const MAX_LENGTH = 65_536;

/** A session of a board as text: base64url of a version byte, the board's name and what the session has seen. */
export function encodeToken(board: string, seen: VersionVector): string {
  const writer = new ByteWriter();
  writer.byte(VERSION);
  writer.text(board);
  encodeVector(writer, seen);
  return toBase64(writer.finish()).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** @throws {InvalidInputError} when it is no token, or one of another board. */
export function decodeToken(board: string, token: string): VersionVector {
  const reader = new ByteReader(bytesOf(token));
  if (reader.byte() !== VERSION) throw new InvalidInputError('a session token is of a version this program does not know; begin a new session');
  const name = reader.text(1_024);
  const seen = decodeVector(reader);
  reader.end();
  if (name !== board) throw new InvalidInputError(`a session token is of the board ${JSON.stringify(name)}, not ${JSON.stringify(board)}; begin a new session`);
  return seen;
}

function bytesOf(token: string): Uint8Array {
  if (typeof token !== 'string' || token.length > MAX_LENGTH) throw new InvalidInputError('a session token is too long; begin a new session');
  const bytes = fromBase64(token.replaceAll('-', '+').replaceAll('_', '/'));
  if (bytes === undefined) throw new InvalidInputError('a session token is no base64url; begin a new session');
  return bytes;
}
