import { closeSync, openSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

/** Says that this process, and in it this store, owns a file. The operating system takes it back when the process ends, however it ends. */
export interface OwnerLock {
  release(): void;
}

/**
 * Takes the lock that makes a store's file one process's own: SQLite's exclusive lock on an empty file beside it. The store's own file
 * cannot carry it, because the checkpoints are made through a second connection. Fails as SQLite does when the lock is taken.
 */
export function takeOwnerLock({ DatabaseSync }: typeof import('node:sqlite'), path: string): OwnerLock {
  const lockPath = `${realPath(path)}-lock`;
  try {
    // Only a new file is opened here: closing one that exists would free the lock this process may hold on it.
    closeSync(openSync(lockPath, 'wx', 0o600));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  }
  const database: DatabaseSync = new DatabaseSync(lockPath, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (cause) {
    database.close();
    throw cause;
  }
  return { release: () => database.close() };
}

/** Two names of one file are one store. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return join(realpathSync(dirname(path)), basename(path));
  }
}
