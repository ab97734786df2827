import { hash } from 'node:crypto';
import type { JournalRecord } from '@meshwork/core';

/** A record in the chain: the line as it was written, and the hash that binds it to everything before. */
export interface Link {
  readonly line: string;
  readonly hash: string;
}

/** Where a chain starts. */
export const GENESIS = '0'.repeat(64);

/**
 * The hash of a link: SHA-256 over a mark, the hash before and the bytes of the line. The line carries its own place in the chain, so that
 * a record cannot be moved.
 */
export function linkHash(previous: string, line: string): string {
  return hash('sha256', `\u0001${previous}\n${line}`, 'hex');
}

let scratch = Buffer.alloc(4_096);

/** The same, of a line as bytes. */
export function linkHashOfBytes(previous: string, line: Uint8Array): string {
  const length = 66 + line.length;
  if (length > scratch.length) scratch = Buffer.alloc(length * 2);
  scratch[0] = 1;
  scratch.write(previous, 1, 64, 'latin1');
  scratch[65] = 0x0a;
  scratch.set(line, 66);
  return hash('sha256', scratch.subarray(0, length), 'hex');
}

/** The parts of a link as they lie in the journal, not decoded; `undefined` when the record does not hold one. */
export function rawLinkIn({ value }: JournalRecord): { readonly line: Uint8Array; readonly hash: string } | undefined {
  if (!(value instanceof Uint8Array) || value[64] !== 0x0a) return undefined;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return { hash: bytes.toString('latin1', 0, 64), line: bytes.subarray(65) };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** A link as the journal keeps it: the hash, a line feed, the line. */
export function encodeLink({ line, hash: sum }: Link): Uint8Array {
  return encoder.encode(`${sum}\n${line}`);
}

/** The link in a journal record, or `undefined` when it does not hold one. */
export function linkIn({ value }: JournalRecord): Link | undefined {
  if (!(value instanceof Uint8Array) || value[64] !== 0x0a) return undefined;
  try {
    const text = decoder.decode(value);
    return { hash: text.slice(0, 64), line: text.slice(65) };
  } catch {
    return undefined;
  }
}
