import { type Clock, ConflictError, type Journal, UnavailableError } from '@meshwork/core';
import type { ChainProblem } from './chain-walk.ts';
import { type SignedCheckpoint, signCheckpoint } from './checkpoint.ts';
import type { CheckpointBook } from './checkpoint-book.ts';
import type { Notary } from './notary.ts';
import { firstOffset, verifyChain } from './verify-chain.ts';

/** How much of a log is kept. What either says may go, goes. */
export interface Retention {
  /** Records older than this many milliseconds go. */
  readonly maxAgeMs?: number;
  /** All but so many of the newest go. */
  readonly maxRecords?: number;
}

/** What a trim did. */
export interface Trimmed {
  /** Records dropped by it. */
  readonly dropped: number;
  /** The first record that is kept. */
  readonly keptFrom: number;
}

export interface TrimOptions {
  readonly journal: Journal;
  readonly stream: string;
  readonly clock: Clock;
  readonly book: CheckpointBook;
  readonly notary: Notary;
  readonly retention: Retention;
  readonly signal?: AbortSignal | undefined;
  /** Told what of the part that was to go does not hold. */
  readonly onProblem?: (problem: ChainProblem) => void;
}

/**
 * Drops what the retention lets go, at the newest checkpoint that all places outside have and that leaves what is to be kept. What is dropped is
 * verified first, so that a trim never hides that it was tampered with; then an anchor, a signed checkpoint that states where the kept part begins, is
 * written; then the journal is trimmed. A crash in between leaves too much, never too little. Other hubs may do the same at once.
 *
 * @throws {UnavailableError} when what is to go does not hold; nothing is dropped.
 */
export async function trimChain(options: TrimOptions): Promise<Trimmed> {
  const { journal, stream, clock, book, notary, signal, onProblem } = options;
  for (let verified: string | undefined; ; ) {
    const { signer, ring, bookEnd } = await notary.standing();
    const cut = await findCut(options, (note) => ring.isSigned(note));
    const first = await firstOffset(journal, stream);
    if (cut === undefined || first === undefined || cut.size < first) return { dropped: 0, keptFrom: first ?? 1 };
    const anchors = async () => {
      await book.refresh();
      return book.anchors().filter(({ note }) => ring.isSigned(note));
    };
    if (verified !== cut.note) {
      const { ok, problem } = await verifyChain(journal, stream, { checkpoint: cut, ...(signal && { signal }) }, { anchors, to: cut.size });
      if (problem !== undefined) onProblem?.(problem);
      if (!ok) throw new UnavailableError(`nothing of the audit log was trimmed, for it does not hold: ${problem?.message}; ${problem?.advice}`);
      verified = cut.note;
    }
    // After a crash it may be there already.
    if (!(await anchors()).some(({ size, hash }) => size === cut.size && hash === cut.hash)) {
      const anchor = await signCheckpoint({ ...cut, time: new Date(clock.now()).toISOString() }, signer, { isAnchor: true });
      try {
        await book.add([anchor], bookEnd);
      } catch (error) {
        // Another hub has signed or trimmed meanwhile.
        if (error instanceof ConflictError) continue;
        throw error;
      }
    }
    await journal.trim(stream, cut.size + 1);
    await book.forget(cut);
    return { dropped: cut.size - first + 1, keptFrom: cut.size + 1 };
  }
}

async function findCut(
  { journal, stream, clock, book, notary, retention }: TrimOptions,
  isSigned: (note: string) => boolean,
): Promise<SignedCheckpoint | undefined> {
  const head = await journal.head(stream);
  const covered = await notary.covered();
  const oldest = clock.now() - (retention.maxAgeMs ?? Number.POSITIVE_INFINITY);
  const room = head - (retention.maxRecords ?? Number.POSITIVE_INFINITY);
  let cut: SignedCheckpoint | undefined;
  for await (const checkpoint of book.read()) {
    if (checkpoint.isAnchor) continue;
    const mayGo = checkpoint.size <= room || Date.parse(checkpoint.time) <= oldest;
    // The last record stays: the next one is chained to it.
    if (mayGo && checkpoint.size <= covered && checkpoint.size < head && checkpoint.size > (cut?.size ?? 0) && isSigned(checkpoint.note)) cut = checkpoint;
  }
  return cut;
}
