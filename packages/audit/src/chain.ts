import { hash } from 'node:crypto';
import type { JournalRecord, JsonObject } from '@meshwork/core';

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

/** The link in a journal record, or `undefined` when it does not hold one. */
export function linkIn({ value }: JournalRecord): Link | undefined {
  const { line, hash: sum } = (value ?? {}) as JsonObject;
  return typeof line === 'string' && typeof sum === 'string' ? { line, hash: sum } : undefined;
}
