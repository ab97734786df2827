import { type Clock, type Store, systemClock } from '@meshwork/core';
import { createGroupCommit } from './group-commit.ts';
import { openDatabase } from './open-database.ts';
import { createSqliteJournal } from './sqlite-journal.ts';
import { createSqliteKeyValueStore } from './sqlite-key-value-store.ts';

export interface SqliteOptions {
  /** The file. It and its folder are made when missing, for the owner only. */
  readonly path: string;
  /** Decides when keys expire and what time records carry. */
  readonly clock?: Clock;
  /** `full` (default): what is acknowledged survives a power cut. `normal`: it survives the death of the process, and is faster. */
  readonly synchronous?: 'full' | 'normal';
}

/**
 * Opens both ports on one SQLite file, which this process owns until it closes it or ends.
 *
 * @throws {StoreInUseError} when another process owns the file, {@link StoreFormatError} when it is not a store or a newer one,
 * {@link UnavailableError} when it cannot be opened.
 */
export async function openSqlite({ path, clock = systemClock, synchronous = 'full' }: SqliteOptions): Promise<Store & AsyncDisposable> {
  const database = await openDatabase(path, synchronous);
  const commits = createGroupCommit(database, () => {
    keys.wake();
    journal.wake();
  });
  const keys = createSqliteKeyValueStore(database, commits, clock);
  const journal = createSqliteJournal(database, commits, clock);
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= (async () => {
      commits.close();
      await Promise.all([keys.close(), journal.close()]);
      database.close();
    })();
    return closed;
  };
  const { wake: _keys, ...keyValueStore } = keys;
  const { wake: _journal, ...journalPort } = journal;
  return { ...keyValueStore, ...journalPort, close, [Symbol.asyncDispose]: close };
}
