import type { DatabaseSync } from 'node:sqlite';
import { MeshworkError } from '@meshwork/core';

/** "Mesh" in ASCII: marks a file as ours (SQLite `application_id`). */
const APPLICATION_ID = 0x4d657368;
const VERSION = 1;

/** The file is not a Meshwork store, or one of a newer Meshwork. Nothing in it was changed. */
export class StoreFormatError extends MeshworkError<'STORE_FORMAT'> {
  constructor(message: string, options?: { cause?: unknown }) {
    super('STORE_FORMAT', message, options);
  }
}

/** Makes the tables in an empty file and refuses one that is not ours. @throws {StoreFormatError} */
export function prepareSchema(database: DatabaseSync, path: string): void {
  const read = (pragma: string) => Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
  const application = read('application_id');
  const version = read('user_version');
  if (application === 0 && version === 0 && database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n === 0) {
    database.exec(`BEGIN IMMEDIATE; ${TABLES} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${VERSION}; COMMIT;`);
    return;
  }
  if (application !== APPLICATION_ID) throw new StoreFormatError(`${path} is not a meshwork store; choose another file`);
  if (version > VERSION) throw new StoreFormatError(`${path} was written by a newer meshwork (format ${version}, this one knows ${VERSION}); update meshwork`);
}

const TABLES = `
  CREATE TABLE entry (key TEXT PRIMARY KEY, kind INTEGER NOT NULL, value BLOB NOT NULL, revision INTEGER NOT NULL, expires INTEGER) WITHOUT ROWID, STRICT;
  CREATE INDEX entry_expires ON entry (expires) WHERE expires IS NOT NULL;
  CREATE TABLE change (revision INTEGER PRIMARY KEY, key TEXT NOT NULL, kind INTEGER NOT NULL, value BLOB) STRICT;
  CREATE TABLE stream (name TEXT PRIMARY KEY, id INTEGER NOT NULL UNIQUE, head INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  CREATE TABLE record (stream INTEGER NOT NULL, offset INTEGER NOT NULL, time INTEGER NOT NULL, kind INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (stream, offset)) WITHOUT ROWID, STRICT;
  CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  INSERT INTO counter VALUES ('revision', 0), ('dropped', 0);
`;
