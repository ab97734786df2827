import type { DatabaseSync } from 'node:sqlite';
import { ClosedError, MeshworkError, UnavailableError, UnknownOutcomeError } from '@meshwork/core';

/**
 * Puts writes that come while the last commit is on its way to the disk into one transaction, so that one sync serves them all. A write runs
 * inside that transaction, sees what earlier ones in it did, and resolves only when the commit is on disk. A write that throws a `MeshworkError` has
 * changed nothing (it must look before it writes) and does not disturb its neighbours. When the engine fails one write, all are rolled back
 * and each is run again in a transaction of its own: a write may run twice, and must take what it knows from the database.
 */
export interface GroupCommit {
  write<T>(work: () => T): Promise<T>;
  /** Resolves when nothing is committed that is not on disk. Whoever reads right then sees only what is there to stay. */
  durable(): Promise<void>;
  /** Takes no more, and resolves when all it took is settled. */
  close(): Promise<void>;
}

/** Whoever has part in the transactions. */
export interface Participant {
  /** At the end of a transaction, when all its writes have run: writes what they left for now. */
  finish(): void;
  /** After a rollback: what was read inside the transaction no longer holds. */
  forget(): void;
  /** All that was committed is on disk. */
  settled(): void;
}

export interface GroupCommitOptions {
  readonly participants: readonly Participant[];
  /** Brings what is committed to the disk; left out when `COMMIT` does it. */
  readonly sync?: (() => Promise<void>) | undefined;
  /** What a commit has to wait for, if anything. */
  readonly hold?: (() => Promise<void> | undefined) | undefined;
}

interface Waiting {
  readonly work: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** How a write ends: as it went, once the commit is on disk, or with an error when the commit does not get there. */
interface Outcome {
  settle(): void;
  lose(error: Error): void;
}

/** A commit waits for more writes only while they keep coming, and never longer than this. */
const LONGEST_WAIT_MS = 1;

export function createGroupCommit(database: DatabaseSync, { participants, sync, hold }: GroupCommitOptions): GroupCommit {
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  let waiting: Waiting[] = [];
  /** From the first write that waits until none does. */
  let running: Promise<void> | undefined;
  /** While a commit is on its way to the disk. It never rejects. */
  let flushing: Promise<void> | undefined;
  let broken: UnavailableError | undefined;
  let closed = false;

  const rollBack = () => {
    try {
      if (database.isTransaction) database.exec('ROLLBACK');
    } catch {
      // The engine fails the next transaction, and says why, when it cannot end this one.
    }
    for (const each of participants) each.forget();
  };

  /** Runs a batch as one transaction. Undefined: the engine failed a write of several, so that nothing was kept and each deserves its own. */
  const commitTogether = (batch: readonly Waiting[]): readonly Outcome[] | undefined => {
    const outcomes: Outcome[] = [];
    try {
      begin.run();
      for (const { work, resolve, reject } of batch) {
        try {
          const value = work();
          outcomes.push({ settle: () => resolve(value), lose: reject });
        } catch (error) {
          if (!MeshworkError.isInstance(error)) throw error;
          outcomes.push(failed(error, reject));
        }
      }
      for (const each of participants) each.finish();
    } catch (cause) {
      rollBack();
      if (batch.length > 1) return undefined;
      const error = new UnavailableError(`the store cannot write: ${messageOf(cause)}; check the disk and the file's permissions`, { cause });
      return batch.map(({ reject }) => failed(error, reject));
    }
    try {
      commit.run();
    } catch (cause) {
      rollBack();
      // Part of it may have reached the disk, where the next start would find it.
      const error = new UnknownOutcomeError(`the commit failed and may or may not be on disk: ${messageOf(cause)}; look before you retry`, { cause });
      return batch.map(({ reject }) => failed(error, reject));
    }
    return outcomes;
  };

  /** Commits a batch and brings it to the disk before anybody is told. */
  const flush = async (batch: readonly Waiting[]) => {
    const outcomes = commitTogether(batch) ?? batch.flatMap((one) => commitTogether([one]) ?? []);
    let lost: Error | undefined;
    if (sync !== undefined) {
      try {
        await sync();
      } catch (cause) {
        lost = new UnknownOutcomeError(`the commit could not be synced and may or may not be on disk: ${messageOf(cause)}; look before you retry`, { cause });
        // The kernel may drop what it could not write and report success from then on: nothing later could be promised.
        broken = new UnavailableError('the store takes no more writes, because its disk failed; check it, then open the store again', { cause });
      }
    }
    for (const each of outcomes) lost === undefined ? each.settle() : each.lose(lost);
    for (const each of participants) each.settled();
  };

  /** Until no more writes come from one turn of the event loop to the next. */
  const gather = async () => {
    const since = performance.now();
    for (let seen = -1; waiting.length > seen && performance.now() - since < LONGEST_WAIT_MS; ) {
      seen = waiting.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  const run = async () => {
    await gather();
    while (waiting.length > 0) {
      await hold?.();
      const batch = waiting;
      waiting = [];
      if (broken === undefined) {
        flushing = flush(batch);
        await flushing;
        flushing = undefined;
      } else for (const { reject } of batch) reject(broken);
      await gather();
    }
    running = undefined;
  };

  return {
    write<T>(work: () => T) {
      if (closed) return Promise.reject(new ClosedError('the store is closed'));
      return new Promise<T>((resolve, reject) => {
        waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
        running ??= run();
      });
    },
    durable: async () => flushing,
    async close() {
      closed = true;
      await running;
    },
  };
}

function failed(error: Error, reject: (error: unknown) => void): Outcome {
  const settle = () => reject(error);
  return { settle, lose: settle };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
