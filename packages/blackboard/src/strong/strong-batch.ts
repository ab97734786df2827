import { InvalidInputError } from '@meshwork/core';
import { ByteReader } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { readName } from './register-codec.ts';

const VERSION = 1;
export const BATCH = 0x46;
const BATCH_ANSWER = 0x64;
/** Messages that go together, at most. */
export const MAX_BATCH = 100;
/** Bytes of answers from which on the rest is left out, to be asked for again. */
const MAX_ANSWER_BYTES = 4 * 1_024 * 1_024;

export function isBatch(message: Uint8Array): boolean {
  return message[0] === VERSION && message[1] === BATCH;
}

/** Several requests about one board in one message. */
export function encodeBatch(board: string, requests: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(VERSION);
  writer.byte(BATCH);
  writer.text(board);
  writeAll(writer, requests);
  return writer.finish();
}

/** @throws {InvalidInputError} when it is none, or holds another one. */
export function decodeBatch(message: Uint8Array): { readonly board: string; readonly requests: readonly Uint8Array[] } {
  const reader = new ByteReader(message);
  if (reader.byte() !== VERSION || reader.byte() !== BATCH) throw new InvalidInputError('a message of the strong level is no batch; ask for it again');
  const board = readName(reader);
  const requests = readAll(reader);
  if (requests.some(isBatch)) throw new InvalidInputError('a batch holds a batch; send one only');
  return { board, requests };
}

/** The answers in the order of the requests; empty where there is none. */
export function encodeBatchAnswer(answers: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(VERSION);
  writer.byte(BATCH_ANSWER);
  let length = 0;
  const fitting = answers.map((answer) => {
    length += answer.length;
    return length > MAX_ANSWER_BYTES && length > answer.length ? new Uint8Array() : answer;
  });
  writeAll(writer, fitting);
  return writer.finish();
}

/** @throws {InvalidInputError} when it is none. */
export function decodeBatchAnswer(message: Uint8Array): readonly Uint8Array[] {
  const reader = new ByteReader(message);
  if (reader.byte() !== VERSION || reader.byte() !== BATCH_ANSWER) throw new InvalidInputError('the answer to a batch is none; ask again');
  return readAll(reader);
}

function writeAll(writer: ByteWriter, messages: readonly Uint8Array[]): void {
  writer.varint(messages.length);
  for (const message of messages) writer.bytes(message);
}

function readAll(reader: ByteReader): readonly Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let left = reader.varint(MAX_BATCH); left > 0; left--) messages.push(reader.bytes());
  reader.end();
  return messages;
}
