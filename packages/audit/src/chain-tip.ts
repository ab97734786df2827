import { type Journal, UnavailableError } from '@meshwork/core';
import { GENESIS, linkIn } from './chain.ts';

/** Where a chain ends: its last record's place and hash. */
export interface Tip {
  readonly offset: number;
  readonly hash: string;
}

/** @throws {UnavailableError} when the last record is not one of a chain. */
export async function readTip(journal: Journal, stream: string): Promise<Tip> {
  const offset = await journal.head(stream);
  if (offset === 0) return { offset, hash: GENESIS };
  for await (const record of journal.read(stream, { from: offset, limit: 1 })) {
    const link = linkIn(record);
    if (link !== undefined) return { offset, hash: link.hash };
  }
  throw new UnavailableError(`the end of the audit stream ${JSON.stringify(stream)} cannot be read; verify it first`);
}
