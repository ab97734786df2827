import { InvalidInputError, type StoredValue, StoreFormatError } from '@meshwork/core';
import { ByteReader } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { decodeDelta } from '../codec/decode-delta.ts';
import type { DeltaLimits } from '../codec/delta-limits.ts';
import { encodeDelta } from '../codec/encode-delta.ts';
import type { Delta, Version } from '../state/board-state.ts';

const FORMAT = 1;
const kindOf = { identity: 1, part: 2, delta: 3, nothing: 4, begin: 5, end: 6 } as const;

/** Bytes of a record, about: some stores take records of 1 MB at most. */
const PART_BYTES = 400_000;

/** Who writes from here on. */
export interface IdentityRecord {
  readonly type: 'identity';
  readonly replica: string;
  readonly place: string;
  /** Of one run of the program; says whose log this is. */
  readonly life: string;
  readonly time: number;
  /** Of the name before, when the change took back what this run had written under it: only the first so many writes stand. */
  readonly keep?: number;
  /** And the own totals of counters before the later ones. */
  readonly totals?: readonly Version[];
}

/** What the streams of a board hold. */
export type BoardRecord =
  | IdentityRecord
  | { readonly type: 'delta'; readonly time: number; readonly delta: Delta }
  /** Says only that all before it is there. */
  | { readonly type: 'nothing' }
  /** A snapshot begins, that goes on where the log ends at `offset`. */
  | { readonly type: 'begin'; readonly offset: number; readonly identity: IdentityRecord }
  | { readonly type: 'end' };

/** A record, as one value of a stream or more; they go into one append. */
export function encodeRecord(record: BoardRecord): readonly Uint8Array[] {
  const writer = new ByteWriter();
  if (record.type === 'delta') {
    writer.varint(record.time);
    writer.raw(encodeDelta(record.delta));
    return inParts(writer.finish());
  }
  writer.byte(FORMAT);
  writer.byte(kindOf[record.type]);
  if (record.type === 'identity') writeIdentity(writer, record);
  if (record.type === 'begin') {
    writer.varint(record.offset);
    writeIdentity(writer, record.identity);
  }
  return [writer.finish()];
}

function inParts(body: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < body.length; at += PART_BYTES) {
    const part = body.subarray(at, at + PART_BYTES);
    const record = new Uint8Array(part.length + 2);
    record[0] = FORMAT;
    record[1] = at + PART_BYTES < body.length ? kindOf.part : kindOf.delta;
    record.set(part, 2);
    parts.push(record);
  }
  return parts;
}

/** Puts together what `encodeRecord` took apart. */
export interface RecordReader {
  /** The record that the value completes. @throws {StoreFormatError} when it is none of ours, or of a newer program. */
  read(value: StoredValue): BoardRecord | undefined;
}

export function createRecordReader(stream: string, limits: DeltaLimits): RecordReader {
  let parts: Uint8Array[] = [];
  const decode = (value: StoredValue): BoardRecord | undefined => {
    if (!(value instanceof Uint8Array)) throw new InvalidInputError('it holds no bytes');
    const reader = new ByteReader(value);
    if (reader.byte() !== FORMAT) throw new InvalidInputError('it was written by another version; update the program');
    const kind = reader.byte();
    if (kind === kindOf.part || kind === kindOf.delta) {
      parts.push(reader.raw(reader.left));
      if (kind === kindOf.part) return undefined;
      const body = new ByteReader(joined(parts));
      parts = [];
      return { type: 'delta', time: body.varint(), delta: decodeDelta(body.raw(body.left), limits) };
    }
    parts = [];
    if (kind === kindOf.identity) return readIdentity(reader);
    if (kind === kindOf.nothing) return { type: 'nothing' };
    if (kind === kindOf.begin) return { type: 'begin', offset: reader.varint(), identity: readIdentity(reader) };
    if (kind === kindOf.end) return { type: 'end' };
    throw new InvalidInputError(`it has the unknown kind ${kind}; update the program`);
  };
  return {
    read(value) {
      try {
        return decode(value);
      } catch (cause) {
        throw new StoreFormatError(`a record of ${JSON.stringify(stream)} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
          cause,
        });
      }
    },
  };
}

function writeIdentity(writer: ByteWriter, { replica, place, life, time, keep, totals = [] }: IdentityRecord): void {
  for (const text of [replica, place, life]) writer.text(text);
  writer.varint(time);
  writer.varint(keep === undefined ? 0 : keep + 1);
  writer.varint(totals.length);
  for (const total of totals) {
    for (const text of [total.key, total.replica, total.writer]) writer.text(text);
    for (const number of [total.counter, total.time, total.expiresAt === undefined ? 0 : total.expiresAt + 1]) writer.varint(number);
    writer.signed(total.value as number);
  }
}

function readIdentity(reader: ByteReader): IdentityRecord {
  const [replica, place, life] = [reader.text(1_024), reader.text(), reader.text(1_024)];
  const time = reader.varint();
  const keep = reader.varint();
  const totals: Version[] = [];
  for (let left = reader.count(7); left > 0; left--) {
    const [key, name, writer] = [reader.text(), reader.text(), reader.text()];
    const [counter, at, expiry] = [reader.varint(), reader.varint(), reader.varint()];
    totals.push({ key, replica: name, counter, time: at, kind: 'count', value: reader.signed(), writer, ...(expiry > 0 && { expiresAt: expiry - 1 }) });
  }
  return { type: 'identity', replica, place, life, time, ...(keep > 0 && { keep: keep - 1, totals }) };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const whole = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
