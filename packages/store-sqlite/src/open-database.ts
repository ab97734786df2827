import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { StoreFormatError, StoreInUseError, UnavailableError } from '@meshwork/core';
import { loadSqlite } from './load-sqlite.ts';
import { type OwnerLock, takeOwnerLock } from './owner-lock.ts';
import { checkFormat, prepareSchema } from './schema.ts';

/** How much of a commit its `COMMIT` does: all of it with `full`; with `normal` it only writes the log, and somebody else brings that to the disk. */
type CommitDepth = 'full' | 'normal';

export interface OpenDatabase {
  readonly database: DatabaseSync;
  readonly owner: OwnerLock;
}

export interface OpenDatabaseOptions {
  readonly path: string;
  readonly synchronous: CommitDepth;
  /** A second connection of this process will make the checkpoints. Without it SQLite keeps everybody else out itself, and needs no shared memory. */
  readonly shared: boolean;
}

/** Pages of log after which a commit makes the checkpoint itself. */
export const PAGES_BETWEEN_CHECKPOINTS = 2_000;

/**
 * Opens the file for this process alone. A file that is not a store is left as it is.
 *
 * @throws {StoreInUseError} {@link StoreFormatError} {@link UnavailableError}
 */
export async function openDatabase({ path, synchronous, shared }: OpenDatabaseOptions): Promise<OpenDatabase> {
  const sqlite = loadSqlite();
  let database: DatabaseSync | undefined;
  let owner: OwnerLock | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (sizeOf(path) > 0) refuseForeign(sqlite, path);
    owner = takeOwnerLock(sqlite, path);
    // Made here and not by SQLite, so that it is never anybody else's to read; SQLite gives its side files the same mode.
    if (sizeOf(path) === 0) closeSync(openSync(path, 'a', 0o600));
    database = new sqlite.DatabaseSync(path, { timeout: 0 });
    if (!shared) database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
    prepareSchema(database, path);
    database.exec('COMMIT');
    chmodSync(path, 0o600);
    const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode;
    if (mode !== 'wal') throw new Error(`the file system cannot keep a write-ahead log (${mode}); choose another, or open the store with thread: false`);
    database.exec(`PRAGMA synchronous = ${synchronous.toUpperCase()}; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;`);
    // Others may look into the file while it is open; they are waited for as long as a commit may take.
    database.exec(`PRAGMA wal_autocheckpoint = ${shared ? 0 : PAGES_BETWEEN_CHECKPOINTS}; PRAGMA busy_timeout = 1000;`);
    // Reading makes sure that the log is there.
    database.exec('SELECT count(*) FROM sqlite_schema');
    return { database, owner };
  } catch (cause) {
    if (database?.isOpen) database.close();
    owner?.release();
    throw explain(cause, path);
  }
}

/**
 * Looks at a file through a connection that cannot write. Without a log beside it even SQLite's own side files are kept from appearing
 * (`immutable`); with one, the log has to be read too. A file whose last write was cut short has to be put right before it can be read:
 * its schema is looked at under the lock.
 */
function refuseForeign({ DatabaseSync }: typeof import('node:sqlite'), path: string): void {
  if (sizeOf(`${path}-journal`) > 0) return;
  const address = pathToFileURL(path);
  if (sizeOf(`${path}-wal`) === 0) address.searchParams.set('immutable', '1');
  const database = new DatabaseSync(address, { readOnly: true, timeout: 0 });
  try {
    checkFormat(database, path);
  } finally {
    database.close();
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function explain(cause: unknown, path: string): Error {
  if (cause instanceof StoreFormatError) return cause;
  const { errcode, message } = cause as { errcode?: number; message?: string };
  if (errcode === 5)
    return new StoreInUseError(`${path} is in use by another process, probably another meshwork; stop it, or choose another data folder`, { cause });
  if (errcode === 26) return new StoreFormatError(`${path} is not a database; choose another file`, { cause });
  return new UnavailableError(`cannot open ${path}: ${message ?? String(cause)}`, { cause });
}
