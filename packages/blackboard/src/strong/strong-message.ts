import { InvalidInputError } from '@meshwork/core';
import { ByteReader } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { type Epoch, type EpochMark, readEpoch, writeEpoch } from './epoch.ts';
import type { Register, RegisterLimits } from './register.ts';
import { readName, readRegister, writeRegister } from './register-codec.ts';
import { BATCH } from './strong-batch.ts';

/** Who is asked: the hub's storage of this id, in this epoch. Whoever is another one refuses. */
export interface Addressed {
  readonly to: string;
  readonly epoch: EpochMark;
}

/** What members are asked. Asked twice it does no more than asked once. */
export type StrongRequest =
  /** Who are you? With `epoch`: write down that you belong to it; `isFormed`: so has everybody. */
  | { readonly kind: 'hello'; readonly epoch?: Epoch | undefined; readonly isFormed?: boolean }
  | ({ readonly kind: 'query'; readonly key: string } & Addressed)
  /** Registers under a prefix behind `after`, as many as fit; of a frozen member with `isCopy`. */
  | ({ readonly kind: 'range'; readonly prefix: string; readonly after: string | undefined; readonly limit: number; readonly isCopy: boolean } & Addressed)
  | ({ readonly kind: 'store'; readonly registers: readonly Register[] } & Addressed)
  /** Take no more part in the epoch. */
  | ({ readonly kind: 'freeze' } & Addressed)
  /** Registers of the epoch before the one to come: keep the later ones. The epoch is the one before. */
  | ({ readonly kind: 'take'; readonly registers: readonly Register[] } & Addressed);

export type StrongAnswer =
  | { readonly kind: 'member'; readonly id: string; readonly epoch: Epoch | undefined; readonly isFormed: boolean }
  /** In the order of their keys. `isLast`: there are no more behind them. */
  | { readonly kind: 'registers'; readonly registers: readonly Register[]; readonly isLast: boolean }
  /** It is on disk. */
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly reason: Refusal };

/**
 * Why a member refuses: it is not that storage; the epoch is over; it does not know of that epoch yet; it reckons with other members.
 */
export type Refusal = (typeof refusals)[number];

const refusals = ['stranger', 'moved', 'behind', 'different'] as const;
const VERSION = 1;
const requestKinds = { hello: 0x40, query: 0x41, range: 0x42, store: 0x43, freeze: 0x44, take: 0x45 } as const;
const answerKinds = { member: 0x60, registers: 0x61, done: 0x62, refused: 0x63 } as const;
const MAX_PAGE = 10_000;
const LEAST_REGISTER_BYTES = 7;

export function encodeRequest(board: string, request: StrongRequest): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(VERSION);
  writer.byte(requestKinds[request.kind]);
  writer.text(board);
  if (request.kind === 'hello') {
    writer.byte(Number(request.epoch !== undefined));
    if (request.epoch !== undefined) writeEpoch(writer, request.epoch);
    writer.byte(Number(request.isFormed ?? false));
    return writer.finish();
  }
  writer.text(request.to);
  writeMark(writer, request.epoch);
  if (request.kind === 'query') writer.text(request.key);
  if (request.kind === 'store' || request.kind === 'take') writeRegisters(writer, request.registers);
  if (request.kind === 'range') {
    writer.text(request.prefix);
    writer.byte(Number(request.after !== undefined));
    if (request.after !== undefined) writer.text(request.after);
    writer.varint(request.limit);
    writer.byte(Number(request.isCopy));
  }
  return writer.finish();
}

/** The board that a request is about. @throws {InvalidInputError} when it is none of the strong level. */
export function boardOfStrongRequest(message: Uint8Array): string {
  return readName(open(message, { ...requestKinds, batch: BATCH }).reader);
}

/** @throws {InvalidInputError} when it is no request. */
export function decodeRequest(message: Uint8Array, limits: RegisterLimits): { readonly board: string; readonly request: StrongRequest } {
  const { reader, kind } = open(message, requestKinds);
  const board = readName(reader);
  const request = readRequest(reader, kind, limits);
  reader.end();
  return { board, request };
}

export function encodeAnswer(answer: StrongAnswer): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(VERSION);
  writer.byte(answerKinds[answer.kind]);
  switch (answer.kind) {
    case 'member':
      writer.text(answer.id);
      writer.byte(Number(answer.isFormed));
      writer.byte(Number(answer.epoch !== undefined));
      if (answer.epoch !== undefined) writeEpoch(writer, answer.epoch);
      break;
    case 'registers':
      writer.byte(Number(answer.isLast));
      writeRegisters(writer, answer.registers);
      break;
    case 'refused':
      writer.byte(refusals.indexOf(answer.reason));
  }
  return writer.finish();
}

/** @throws {InvalidInputError} when it is no answer. */
export function decodeAnswer(message: Uint8Array, limits: RegisterLimits): StrongAnswer {
  const { reader, kind } = open(message, answerKinds);
  const answer = readAnswer(reader, kind, limits);
  reader.end();
  return answer;
}

function open<Kind extends string>(message: Uint8Array, codes: Readonly<Record<Kind, number>>): { readonly reader: ByteReader; readonly kind: Kind } {
  const reader = new ByteReader(message);
  const version = reader.byte();
  if (version !== VERSION) throw new InvalidInputError(`a message of the strong level is of version ${version}, and this hub reads ${VERSION}; update it`);
  const code = reader.byte();
  const kind = (Object.keys(codes) as Kind[]).find((name) => codes[name] === code);
  if (kind === undefined) throw new InvalidInputError(`a message of the strong level is of kind ${code}, which this hub does not know; update it`);
  return { reader, kind };
}

function readRequest(reader: ByteReader, kind: StrongRequest['kind'], limits: RegisterLimits): StrongRequest {
  if (kind === 'hello') return { kind, epoch: readFlag(reader) ? readEpoch(reader) : undefined, isFormed: readFlag(reader) };
  const addressed = { to: readName(reader), epoch: readMark(reader) };
  switch (kind) {
    case 'query':
      return { kind, ...addressed, key: reader.text(limits.maxKeyLength) };
    case 'range': {
      const prefix = reader.text(limits.maxKeyLength);
      const after = readFlag(reader) ? reader.text(limits.maxKeyLength) : undefined;
      return { kind, ...addressed, prefix, after, limit: reader.varint(MAX_PAGE), isCopy: readFlag(reader) };
    }
    case 'freeze':
      return { kind, ...addressed };
    default:
      return { kind, ...addressed, registers: readRegisters(reader, limits) };
  }
}

function readAnswer(reader: ByteReader, kind: StrongAnswer['kind'], limits: RegisterLimits): StrongAnswer {
  switch (kind) {
    case 'member': {
      const id = readName(reader);
      const isFormed = readFlag(reader);
      return { kind, id, isFormed, epoch: readFlag(reader) ? readEpoch(reader) : undefined };
    }
    case 'registers': {
      const isLast = readFlag(reader);
      return { kind, isLast, registers: readRegisters(reader, limits) };
    }
    case 'done':
      return { kind };
    case 'refused': {
      const reason = refusals[reader.byte()];
      if (reason === undefined) throw new InvalidInputError('a member refuses for a reason that this hub does not know; update it');
      return { kind, reason };
    }
  }
}

function writeRegisters(writer: ByteWriter, registers: readonly Register[]): void {
  writer.varint(registers.length);
  for (const register of registers) writeRegister(writer, register);
}

/** @throws {InvalidInputError} when the keys are not in order, each once. */
function readRegisters(reader: ByteReader, limits: RegisterLimits): Register[] {
  const registers: Register[] = [];
  for (let left = reader.count(LEAST_REGISTER_BYTES); left > 0; left--) {
    const register = readRegister(reader, limits);
    const before = registers.at(-1);
    if (before !== undefined && before.key >= register.key) throw new InvalidInputError('the registers of a message are not in order; ask for it again');
    registers.push(register);
  }
  return registers;
}

function writeMark(writer: ByteWriter, { number, hash }: EpochMark): void {
  writer.varint(number);
  writer.text(hash);
}

function readMark(reader: ByteReader): EpochMark {
  return { number: reader.varint(), hash: readName(reader) };
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.byte();
  if (flag > 1) throw new InvalidInputError(`a message says ${flag} where 0 or 1 can be; ask for it again`);
  return flag === 1;
}
