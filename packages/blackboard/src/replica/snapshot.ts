import type { Journal } from '@meshwork/core';
import type { BoardState } from '../state/board-state.ts';
import type { VersionVector } from '../state/context.ts';
import { encodeRecord, type IdentityRecord } from './record.ts';

/** Bytes of a page, about: so much is made at a time, and others come in between. */
const PAGE_BYTES = 256 * 1_024;

export interface SnapshotRequest {
  readonly journal: Journal;
  readonly stream: string;
  readonly state: BoardState;
  readonly identity: IdentityRecord;
  /** Where the log ends; what comes after it is read on top of the snapshot. */
  readonly offset: number;
  readonly time: () => number;
  /** Waits until all that the state holds is in the log too, and throws when the snapshot is not to become whole. */
  readonly check: () => Promise<void>;
}

/** Writes a state in pages while it goes on changing, marks it as whole, and drops what stood before. Its bytes. */
export async function writeSnapshot({ journal, stream, state, identity, offset, time, check }: SnapshotRequest): Promise<number> {
  let head = await journal.head(stream);
  let bytes = 0;
  // Whoever opens the board next appends here too, so that nothing of ours comes after.
  const append = async (values: readonly Uint8Array[]) => {
    await journal.append(stream, values, { expected: head });
    head += values.length;
    for (const value of values) bytes += value.length;
  };
  const begin = head + 1;
  await append(encodeRecord({ type: 'begin', offset, identity }));
  let since: VersionVector = new Map();
  for (let isWhole = false; !isWhole; ) {
    const { delta, isLast } = state.deltaSince(since, { maxBytes: PAGE_BYTES });
    await append(encodeRecord({ type: 'delta', time: time(), delta }));
    since = delta.covers.to;
    isWhole = isLast;
  }
  await check();
  await append(encodeRecord({ type: 'end' }));
  await journal.trim(stream, begin);
  return bytes;
}

/** Whatever snapshot somebody else is writing does not become whole. */
export async function fenceSnapshots(journal: Journal, stream: string): Promise<void> {
  await journal.append(stream, encodeRecord({ type: 'nothing' }));
}
