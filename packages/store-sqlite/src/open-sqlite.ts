import { type Clock, joinPorts, type Store, systemClock } from '@meshwork/core';
import { createCheckpointer } from './checkpointer.ts';
import { createGroupCommit, type GroupCommit } from './group-commit.ts';
import { openLogSync } from './log-sync.ts';
import { openDatabase, PAGES_BETWEEN_CHECKPOINTS } from './open-database.ts';
import { createSqliteJournal } from './sqlite-journal.ts';
import { createSqliteKeyValueStore } from './sqlite-key-value-store.ts';

export interface SqliteOptions {
  /** The file. It and its folder are made when missing, for the owner only. */
  readonly path: string;
  /** Decides when keys expire and what time records carry. */
  readonly clock?: Clock;
  /** `full` (default): what is acknowledged survives a power cut. `normal`: it survives the death of the process, and is faster. */
  readonly synchronous?: 'full' | 'normal';
  /**
   * True (default): the event loop does not wait for the disk; syncs and checkpoints are made beside it. False: it waits for both. For places
   * without worker threads, and for file systems without shared memory.
   */
  readonly thread?: boolean;
}

/**
 * Opens both ports on one SQLite file, which this process owns until it closes it or ends.
 *
 * @throws {StoreInUseError} when another process owns the file, {@link StoreFormatError} when it is not a store or a newer one,
 * {@link UnavailableError} when it cannot be opened.
 */
export async function openSqlite({ path, clock = systemClock, synchronous = 'full', thread = true }: SqliteOptions): Promise<Store & AsyncDisposable> {
  const { database, owner } = await openDatabase({ path, synchronous: thread ? 'normal' : synchronous, shared: thread });
  const log = thread && synchronous === 'full' ? openLogSync(`${database.location()}-wal`) : undefined;
  const checkpointer = thread
    ? createCheckpointer({ path, onLost: () => database.exec(`PRAGMA wal_autocheckpoint = ${PAGES_BETWEEN_CHECKPOINTS}`) })
    : undefined;
  const parts = { database, clock, commits: (): GroupCommit => commits, onWrite: (bytes: number) => checkpointer?.wrote(bytes) };
  const keys = createSqliteKeyValueStore(parts);
  const journal = createSqliteJournal(parts);
  const commits = createGroupCommit(database, { participants: [keys, journal], sync: log?.sync, hold: () => checkpointer?.hold });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= (async () => {
      await commits.close();
      await Promise.all([keys.close(), journal.close()]);
      await checkpointer?.close();
      log?.close();
      database.close();
      owner.release();
    })();
    return closed;
  };
  const durability = synchronous === 'full' ? 'durable' : 'may-lose-acknowledged';
  return { ...joinPorts(keys, journal, close), durability };
}
