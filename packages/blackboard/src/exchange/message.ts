import { InvalidInputError } from '@meshwork/core';
import { ByteReader } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { decodeDelta } from '../codec/decode-delta.ts';
import type { DeltaLimits } from '../codec/delta-limits.ts';
import { encodeDelta } from '../codec/encode-delta.ts';
import { decodeVector, encodeVector } from '../codec/vector-codec.ts';
import type { Acknowledged } from '../replica/members.ts';
import type { Delta, DeltaPart } from '../state/board-state.ts';
import { bucketCounts, isBucketCount } from '../state/buckets.ts';
import type { VersionVector } from '../state/context.ts';

/** First byte of every message. */
const PROTOCOL = 1;

/** Second byte. Up to 0x3f for replication; from 0x40 on for level strong. */
export const kinds = { hello: 0x01, welcome: 0x02, pull: 0x03, page: 0x04, push: 0x05, taken: 0x06, compare: 0x07, compared: 0x08 } as const;

const MAX_NAME = 1_024;
const MAX_MEMBERS = 10_000;

/** What each side says of itself in every exchange. */
export interface Introduction {
  readonly replica: string;
  /** Of the run of its program: two with one replica and several lives are copies of each other. */
  readonly life: string;
  /** It has lost or missed something, and needs all that the other has. */
  readonly isLacking: boolean;
  /** Of the board's level rules; hubs that differ do not exchange it. */
  readonly levels: string;
  /** What the sender knows that replicas have on disk; itself first. */
  readonly acknowledged: readonly Acknowledged[];
}

export interface Page {
  readonly delta: Delta;
  readonly isLast: boolean;
}

/** What two have compared, and what is brought of it. */
interface Whole {
  /** The receiver's name for the moment of its own that was compared. */
  readonly comparison: string;
  /** Where the two differed, a bit each. */
  readonly buckets: Uint8Array;
  /** What the sender had seen at its moment: all of it is in what is brought, or was equal. */
  readonly upTo: VersionVector;
}

/** What goes over a link about one board. */
export type Message = { readonly board: string } & (
  | { readonly kind: 'hello'; readonly introduction: Introduction }
  | {
      readonly kind: 'welcome';
      readonly introduction: Introduction;
      /** How the sender knows whom it answers. */
      readonly knowsYouAs: 'active' | 'retired' | 'unknown';
      /** Of the live versions, when both have seen the same; else empty. */
      readonly digest: string;
      /** What the asker lacks. Nothing for one that is unknown or retired. */
      readonly page: Page | undefined;
    }
  | {
      readonly kind: 'pull';
      readonly replica: string;
      readonly since: VersionVector;
      /** Only this part, after a comparison. */
      readonly among: DeltaPart | undefined;
    }
  | { readonly kind: 'page'; readonly page: Page }
  | {
      readonly kind: 'push';
      readonly introduction: Introduction;
      /** Of the pages that belong together, and which of them this is. */
      readonly transfer: number;
      readonly number: number;
      /** All there is where two differed, so that what is not in it and was seen is gone. */
      readonly whole: Whole | undefined;
      readonly page: Page;
    }
  /** `isTaken` is false when something is missing before what was pushed. */
  | { readonly kind: 'taken'; readonly introduction: Introduction; readonly isTaken: boolean }
  /** Two words for each bucket of the sender's live versions. */
  | { readonly kind: 'compare'; readonly replica: string; readonly sums: Uint32Array }
  | {
      readonly kind: 'compared';
      /** The sender's name for the moment it compared. */
      readonly comparison: string;
      /** What the sender had seen at that moment, all of it on disk by now. */
      readonly vector: VersionVector;
      /** Where the two differ, a bit each. */
      readonly buckets: Uint8Array;
    }
);

const standings = ['active', 'retired', 'unknown'] as const;

export function encodeMessage(message: Message): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(PROTOCOL);
  writer.byte(kinds[message.kind]);
  writer.text(message.board);
  switch (message.kind) {
    case 'hello':
      writeIntroduction(writer, message.introduction);
      break;
    case 'welcome':
      writeIntroduction(writer, message.introduction);
      writer.byte(standings.indexOf(message.knowsYouAs));
      writer.text(message.digest);
      writer.byte(message.page === undefined ? 0 : 1);
      if (message.page !== undefined) writePage(writer, message.page);
      break;
    case 'pull':
      writer.text(message.replica);
      encodeVector(writer, message.since);
      writer.byte(message.among === undefined ? 0 : 1);
      if (message.among === undefined) break;
      writer.bytes(message.among.buckets);
      encodeVector(writer, message.among.seen);
      break;
    case 'page':
      writePage(writer, message.page);
      break;
    case 'push':
      writeIntroduction(writer, message.introduction);
      writer.varint(message.transfer);
      writer.varint(message.number);
      writer.byte(message.whole === undefined ? 0 : 1);
      if (message.whole !== undefined) {
        writer.text(message.whole.comparison);
        writer.bytes(message.whole.buckets);
        encodeVector(writer, message.whole.upTo);
      }
      writePage(writer, message.page);
      break;
    case 'taken':
      writeIntroduction(writer, message.introduction);
      writer.byte(message.isTaken ? 1 : 0);
      break;
    case 'compare':
      writer.text(message.replica);
      writeSums(writer, message.sums);
      break;
    case 'compared':
      writer.text(message.comparison);
      encodeVector(writer, message.vector);
      writer.bytes(message.buckets);
  }
  return writer.finish();
}

/** The board a message is about. @throws {InvalidInputError} when it is none of ours. */
export function boardOf(bytes: Uint8Array): string {
  return begin(bytes).board;
}

/** @throws {InvalidInputError} when it is none of ours, or holds more than the board allows. */
export function decodeMessage(bytes: Uint8Array, limits: DeltaLimits): Message {
  const { reader, kind, board } = begin(bytes);
  const message = readBody(reader, kind, board, limits);
  reader.end();
  return message;
}

function begin(bytes: Uint8Array): { reader: ByteReader; kind: number; board: string } {
  const reader = new ByteReader(bytes);
  const protocol = reader.byte();
  if (protocol !== PROTOCOL) throw new InvalidInputError(`a message is of version ${protocol}, and this hub speaks ${PROTOCOL}; update the older of the two`);
  return { reader, kind: reader.byte(), board: reader.text(MAX_NAME) };
}

function readBody(reader: ByteReader, kind: number, board: string, limits: DeltaLimits): Message {
  switch (kind) {
    case kinds.hello:
      return { board, kind: 'hello', introduction: readIntroduction(reader) };
    case kinds.welcome:
      return {
        board,
        kind: 'welcome',
        introduction: readIntroduction(reader),
        knowsYouAs: standings[reader.byte()] ?? 'unknown',
        digest: reader.text(64),
        page: readFlag(reader) ? readPage(reader, limits) : undefined,
      };
    case kinds.pull:
      return {
        board,
        kind: 'pull',
        replica: reader.text(MAX_NAME),
        since: decodeVector(reader),
        among: readFlag(reader) ? { buckets: readBuckets(reader), seen: decodeVector(reader) } : undefined,
      };
    case kinds.page:
      return { board, kind: 'page', page: readPage(reader, limits) };
    case kinds.push:
      return {
        board,
        kind: 'push',
        introduction: readIntroduction(reader),
        transfer: reader.varint(),
        number: reader.varint(),
        whole: readFlag(reader) ? { comparison: reader.text(MAX_NAME), buckets: readBuckets(reader), upTo: decodeVector(reader) } : undefined,
        page: readPage(reader, limits),
      };
    case kinds.taken:
      return { board, kind: 'taken', introduction: readIntroduction(reader), isTaken: readFlag(reader) };
    case kinds.compare:
      return { board, kind: 'compare', replica: reader.text(MAX_NAME), sums: readSums(reader) };
    case kinds.compared:
      return { board, kind: 'compared', comparison: reader.text(MAX_NAME), vector: decodeVector(reader), buckets: readBuckets(reader) };
    default:
      throw new InvalidInputError(`a message has the unknown kind ${kind}; update this hub`);
  }
}

/** Vectors of members differ little, so each is written as what it lacks of the first. */
function writeIntroduction(writer: ByteWriter, { replica, life, isLacking, levels, acknowledged }: Introduction): void {
  writer.text(replica);
  writer.text(life);
  writer.byte(isLacking ? 1 : 0);
  writer.text(levels);
  const names = [...new Set(acknowledged.flatMap(({ vector }) => [...vector.keys()]))].sort();
  writer.varint(names.length);
  for (const name of names) writer.text(name);
  const first = acknowledged[0]?.vector;
  writer.varint(acknowledged.length);
  for (const { replica: id, beat, vector } of acknowledged) {
    writer.text(id);
    writer.varint(beat);
    for (const name of names) writer.signed((vector === first ? 0 : (first?.get(name) ?? 0)) - (vector.get(name) ?? 0));
  }
}

function readIntroduction(reader: ByteReader): Introduction {
  const replica = reader.text(MAX_NAME);
  const life = reader.text(MAX_NAME);
  const isLacking = readFlag(reader);
  const levels = reader.text(64);
  const names: string[] = [];
  for (let left = reader.count(1); left > 0; left--) names.push(reader.text(MAX_NAME));
  if (new Set(names).size < names.length) throw new InvalidInputError('a message names a replica twice; ask for it again');
  const count = reader.count(2 + names.length);
  if (count > MAX_MEMBERS) throw new InvalidInputError(`a message tells of ${count} replicas, and ${MAX_MEMBERS} are the most`);
  const acknowledged: Acknowledged[] = [];
  for (let at = 0; at < count; at++) {
    const id = reader.text(MAX_NAME);
    const beat = reader.varint();
    const first = acknowledged[0]?.vector;
    const vector = new Map<string, number>();
    for (const name of names) {
      const counter = (first?.get(name) ?? 0) - reader.signed();
      if (counter < 0 || !Number.isSafeInteger(counter)) throw new InvalidInputError('a message has a vector that cannot be; ask for it again');
      if (counter > 0) vector.set(name, counter);
    }
    acknowledged.push({ replica: id, beat, vector });
  }
  if (acknowledged[0]?.replica !== replica) throw new InvalidInputError('a message does not begin with what its sender has; ask for it again');
  return { replica, life, isLacking, levels, acknowledged };
}

function writePage(writer: ByteWriter, { delta, isLast }: Page): void {
  writer.byte(isLast ? 1 : 0);
  writer.bytes(encodeDelta(delta));
}

function readPage(reader: ByteReader, limits: DeltaLimits): Page {
  const isLast = readFlag(reader);
  return { isLast, delta: decodeDelta(reader.bytes(), limits) };
}

function writeSums(writer: ByteWriter, sums: Uint32Array): void {
  const bytes = new Uint8Array(sums.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [at, word] of sums.entries()) view.setUint32(at * 4, word, true);
  writer.bytes(bytes);
}

function readSums(reader: ByteReader): Uint32Array {
  const bytes = reader.bytes();
  if (!isBucketCount(bytes.length / 8)) throw unfitBuckets(bytes.length / 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, at) => view.getUint32(at * 4, true));
}

function readBuckets(reader: ByteReader): Uint8Array {
  const bytes = reader.bytes();
  if (!isBucketCount(bytes.length * 8)) throw unfitBuckets(bytes.length * 8);
  return bytes.slice();
}

function unfitBuckets(count: number): InvalidInputError {
  return new InvalidInputError(
    `a message compares ${count} buckets, and a power of two from ${bucketCounts.least} to ${bucketCounts.most} is what can be compared`,
  );
}

function readFlag(reader: ByteReader): boolean {
  const byte = reader.byte();
  if (byte > 1) throw new InvalidInputError('a message has a flag that is neither yes nor no; ask for it again');
  return byte === 1;
}
