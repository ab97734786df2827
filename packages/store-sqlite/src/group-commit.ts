import type { DatabaseSync } from 'node:sqlite';
import { ClosedError, MeshworkError, UnavailableError, UnknownOutcomeError } from '@meshwork/core';

/**
 * Puts writes that come in one turn of the event loop into one transaction, so that one synced commit serves them all. A write runs inside
 * that transaction, sees what earlier ones in it did, and resolves only when the commit is on disk. A write that throws has changed
 * nothing (it must look before it writes) and does not disturb its neighbours.
 */
export interface GroupCommit {
  write<T>(work: () => T): Promise<T>;
  /** Commits what is waiting, now. */
  flush(): void;
  close(): void;
}

interface Waiting {
  readonly work: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export function createGroupCommit(database: DatabaseSync, onCommit: () => void): GroupCommit {
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  let waiting: Waiting[] = [];
  let scheduled = false;
  let closed = false;

  const flush = () => {
    scheduled = false;
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    const done: (() => void)[] = [];
    let committing = false;
    try {
      begin.run();
      for (const { work, resolve, reject } of batch) {
        try {
          const value = work();
          done.push(() => resolve(value));
        } catch (error) {
          if (!MeshworkError.isInstance(error)) throw error;
          done.push(() => reject(error));
        }
      }
      committing = true;
      commit.run();
    } catch (cause) {
      abandon(batch, cause, committing);
      return;
    }
    for (const settle of done) settle();
    onCommit();
  };

  /** The engine failed: nobody's write is kept, unless the commit itself was under way, in which case nobody can tell. */
  const abandon = (batch: readonly Waiting[], cause: unknown, committing: boolean) => {
    let rolledBack = true;
    try {
      if (database.isTransaction) database.exec('ROLLBACK');
    } catch {
      rolledBack = false;
    }
    const message = cause instanceof Error ? cause.message : String(cause);
    const error =
      committing && !rolledBack
        ? new UnknownOutcomeError(`the commit failed and may or may not be on disk: ${message}`, { cause })
        : new UnavailableError(`the store cannot write: ${message}; check the disk and the file's permissions`, { cause });
    for (const { reject } of batch) reject(error);
  };

  return {
    write<T>(work: () => T) {
      if (closed) return Promise.reject(new ClosedError('the store is closed'));
      return new Promise<T>((resolve, reject) => {
        waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
        if (scheduled) return;
        scheduled = true;
        setImmediate(flush);
      });
    },
    flush,
    close() {
      flush();
      closed = true;
    },
  };
}
