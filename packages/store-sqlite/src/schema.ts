import type { DatabaseSync } from 'node:sqlite';
import { StoreFormatError } from '@meshwork/core';
import { JSON_TEXT } from './encoding.ts';
import { packBlock } from './record-block.ts';

/** "Mesh" in ASCII: marks a file as ours (SQLite `application_id`). */
const APPLICATION_ID = 0x4d657368;
const VERSION = 2;

/** A record's row carries its stream and the offset of its last record in one number: 63 bits, the lower 40 for the offset. */
export const OFFSET_BITS = 40;
export const LAST_OFFSET = 2 ** OFFSET_BITS - 1;
export const LAST_STREAM = 2 ** (63 - OFFSET_BITS) - 1;

/** Makes the tables in an empty file, or brings an older one up to date, in the transaction that is open. @throws {StoreFormatError} when the file is not ours. */
export function prepareSchema(database: DatabaseSync, path: string): void {
  const found = checkFormat(database, path);
  if (found === VERSION) return;
  if (found === 1) migrateFromOne(database);
  else database.exec(`${ENTRIES} ${RECORDS}`);
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${VERSION};`);
}

/** Reads what a file is: its format, 0 when it is empty. @throws {StoreFormatError} when it is neither empty nor ours, or newer than this. */
export function checkFormat(database: DatabaseSync, path: string): number {
  const read = (pragma: string) => Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
  const application = read('application_id');
  const version = read('user_version');
  if (application === 0 && version === 0 && database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n === 0) return 0;
  if (application !== APPLICATION_ID) throw new StoreFormatError(`${path} is not a meshwork store; choose another file`);
  if (version > VERSION) throw new StoreFormatError(`${path} was written by a newer meshwork (format ${version}, this one knows ${VERSION}); update meshwork`);
  return version;
}

/** Format 1 had a row for each record, and kept in rows of their own what can be read off the others. */
function migrateFromOne(database: DatabaseSync): void {
  database.function('pack_block', (kind, bytes) => packBlock([kind === JSON_TEXT ? new TextDecoder().decode(bytes as Uint8Array) : (bytes as Uint8Array)]));
  database.exec(`
    ALTER TABLE record RENAME TO record_one;
    ALTER TABLE stream RENAME TO stream_one;
    ${RECORDS}
    INSERT INTO stream (id, name, head) SELECT id, name, head FROM stream_one;
    INSERT INTO record (id, count, time, block) SELECT stream << ${OFFSET_BITS} | offset, 1, time, pack_block(kind, value) FROM record_one ORDER BY stream, offset;
    DROP TABLE record_one;
    DROP TABLE stream_one;
    DROP TABLE counter;
  `);
}

/** Revisions are counted in the log of changes, which has no gaps and is never empty once there was one. */
const ENTRIES = `
  CREATE TABLE entry (key TEXT PRIMARY KEY, kind INTEGER NOT NULL, value BLOB NOT NULL, revision INTEGER NOT NULL, expires INTEGER) WITHOUT ROWID, STRICT;
  CREATE INDEX entry_expires ON entry (expires) WHERE expires IS NOT NULL;
  CREATE TABLE change (revision INTEGER PRIMARY KEY, key TEXT NOT NULL, kind INTEGER NOT NULL, value BLOB) STRICT;
`;

/** A stream ends at its last record, or at `head` when no record is kept. */
const RECORDS = `
  CREATE TABLE stream (name TEXT PRIMARY KEY, id INTEGER NOT NULL UNIQUE, head INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  CREATE TABLE record (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, time INTEGER NOT NULL, block BLOB NOT NULL) STRICT;
`;
