import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StoreInUseError, UnavailableError } from '@meshwork/core';
import { prepareSchema, StoreFormatError } from './schema.ts';

/**
 * Opens the file for this process alone. The lock is SQLite's own exclusive file lock, so the operating system frees it when the process
 * ends, however it ends. @throws {StoreInUseError} {@link StoreFormatError} {@link UnavailableError}
 */
export async function openDatabase(path: string, synchronous: 'full' | 'normal'): Promise<DatabaseSync> {
  const { DatabaseSync } = await importSqlite();
  let database: DatabaseSync | undefined;
  const previousMask = process.umask(0o077);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    database = new DatabaseSync(path, { timeout: 0 });
    chmodSync(path, 0o600);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT; PRAGMA journal_mode = WAL;');
    database.exec(`PRAGMA synchronous = ${synchronous.toUpperCase()}; PRAGMA wal_autocheckpoint = 2000; PRAGMA temp_store = MEMORY;`);
    prepareSchema(database, path);
    return database;
  } catch (cause) {
    if (database?.isOpen) database.close();
    throw explain(cause, path);
  } finally {
    process.umask(previousMask);
  }
}

/** `node:sqlite` warns that it is experimental when it is loaded; that is our choice and no news to a user. Other warnings pass. */
async function importSqlite(): Promise<typeof import('node:sqlite')> {
  const emit = process.emitWarning;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).includes('SQLite')) return;
    (emit as (...all: unknown[]) => void).call(process, warning, ...rest);
  }) as typeof process.emitWarning;
  try {
    return await import('node:sqlite');
  } finally {
    process.emitWarning = emit;
  }
}

function explain(cause: unknown, path: string): Error {
  if (cause instanceof StoreFormatError) return cause;
  const { errcode, message } = cause as { errcode?: number; message?: string };
  if (errcode === 5)
    return new StoreInUseError(`${path} is in use by another process, probably another meshwork; stop it, or choose another data folder`, { cause });
  if (errcode === 26) return new StoreFormatError(`${path} is not a database; choose another file`, { cause });
  return new UnavailableError(`cannot open ${path}: ${message ?? String(cause)}`, { cause });
}
