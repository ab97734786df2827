import type { EncodedValue, StoredValue } from '@meshwork/core';
import { BYTES, decode, JSON_TEXT } from './encoding.ts';

/**
 * A block is the values of consecutive records in one row: for each its length in bytes, doubled, plus its kind, as 32 bits little-endian;
 * then the bytes of all. A row of many costs the engine hardly more than a row of one.
 */

const HEADER_BYTES = 4;

/** The values in one block. */
export function packBlock(values: readonly EncodedValue[]): Uint8Array {
  const lengths = values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : value.length));
  const block = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + length, values.length * HEADER_BYTES));
  let at = values.length * HEADER_BYTES;
  for (const [index, value] of values.entries()) {
    const length = lengths[index] ?? 0;
    block.writeUInt32LE(length * 2 + (typeof value === 'string' ? JSON_TEXT : BYTES), index * HEADER_BYTES);
    if (typeof value === 'string') block.write(value, at);
    else block.set(value, at);
    at += length;
  }
  return block;
}

/** The values of a block of `count`, from the one at `from` on, at most `limit`. */
export function* unpackBlock(block: Uint8Array, count: number, from: number, limit: number): Generator<StoredValue, void, undefined> {
  const header = new DataView(block.buffer, block.byteOffset, count * HEADER_BYTES);
  let at = count * HEADER_BYTES;
  for (let index = 0; index < Math.min(count, from + limit); index++) {
    const word = header.getUint32(index * HEADER_BYTES, true);
    const end = at + (word >>> 1);
    if (index >= from) yield decode(word & 1, block.subarray(at, end));
    at = end;
  }
}

/** A block without its first values. */
export function cutBlock(block: Uint8Array, count: number, dropped: number): Uint8Array {
  const header = new DataView(block.buffer, block.byteOffset, count * HEADER_BYTES);
  let start = count * HEADER_BYTES;
  for (let index = 0; index < dropped; index++) start += header.getUint32(index * HEADER_BYTES, true) >>> 1;
  return Buffer.concat([block.subarray(dropped * HEADER_BYTES, count * HEADER_BYTES), block.subarray(start)]);
}
