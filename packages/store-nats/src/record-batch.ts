import { InvalidInputError, type JournalRecord, StoreFormatError } from '@meshwork/core';
import type { Message } from './messages.ts';
import { type Content, fromContent } from './value.ts';

/**
 * Records travel in batches: a batch is one message, or several parts of which the last makes it valid. The fields of a part's header, behind the id that
 * all parts share: the batch's first offset, its number of records, the time, the part's number from 0, the number of parts, the part's first offset.
 */
export interface Part {
  readonly id: string;
  readonly first: number;
  readonly total: number;
  readonly time: number;
  readonly part: number;
  readonly parts: number;
  readonly at: number;
}

export function partOf({ fields }: Pick<Message, 'fields'>): Part {
  const [first = 0, total = 0, time = 0, part = 0, parts = 0, at = 0] = fields.slice(1).map(Number);
  return { id: fields[0] ?? '', first, total, time, part, parts, at };
}

/** A batch's records as the contents of messages, none larger than `room`, each with the number of records in it. @throws {InvalidInputError} when one does not fit. */
export function pack(records: readonly Content[], room: number): readonly { readonly data: Uint8Array; readonly count: number }[] {
  const parts: { data: Uint8Array; count: number }[] = [];
  for (let start = 0; start < records.length; ) {
    let bytes = 0;
    let end = start;
    for (let record = records[end]; record !== undefined; record = records[++end]) {
      const size = sizeOf(record);
      if (bytes + size > room) break;
      bytes += size;
    }
    if (end === start) throw new InvalidInputError(`a record takes ${sizeOf(records[start] as Content)} bytes, and the server takes ${room} (its max_payload)`);
    const data = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (const record of records.slice(start, end)) at = write(data, at, record);
    parts.push({ data, count: end - start });
    start = end;
  }
  return parts;
}

/** Bytes a record takes in a batch: a head of 7 bits a byte, least first, then its value. */
export function sizeOf({ data }: Content): number {
  let size = data.length + 1;
  for (let head = data.length * 2; head >= 128; head /= 128) size += 1;
  return size;
}

/** The records of one message. */
export function* unpack(message: Message): Generator<JournalRecord, void, undefined> {
  const { time, at } = partOf(message);
  const { data } = message;
  let offset = at;
  for (let place = 0; place < data.length; offset++) {
    let head = 0;
    let scale = 1;
    for (let byte = 128; byte >= 128; scale *= 128) {
      byte = data[place++] ?? Number.NaN;
      head += (byte % 128) * scale;
    }
    const length = Math.floor(head / 2);
    if (!(place + length <= data.length)) throw new StoreFormatError(`the batch at offset ${at} is damaged: a record ends behind it`);
    yield { offset, time, value: fromContent(head % 2 === 1 ? 'b' : 'j', data.subarray(place, place + length)) };
    place += length;
  }
}

function write(data: Buffer, start: number, { kind, data: value }: Content): number {
  let at = start;
  let head = value.length * 2 + (kind === 'b' ? 1 : 0);
  for (; head >= 128; head = Math.floor(head / 128)) data[at++] = 128 + (head % 128);
  data[at++] = head;
  data.set(value, at);
  return at + value.length;
}
