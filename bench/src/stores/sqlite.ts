import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqlite } from '@meshwork/store-sqlite';
import { ourSide } from './our-side.ts';
import type { Pairing, Side } from './side.ts';

/** Enough to fill a commit. */
const CALLERS = 1_024;

/** Group commit beside one synced commit a write. */
export const sqlite: Pairing = {
  name: 'SQLite',
  bare: 'node:sqlite, WAL and FULL, one commit a write',
  async open() {
    const folder = await mkdtemp(join(tmpdir(), 'meshwork-bench-'));
    const ours = ourSide(await openSqlite({ path: join(folder, 'ours.db') }), CALLERS);
    const bare = openBare(join(folder, 'bare.db'));
    return { ours, bare, close: () => rm(folder, { recursive: true, force: true }) };
  },
};

function openBare(path: string): Side {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE entry (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID, STRICT;');
  database.exec('CREATE TABLE record (id INTEGER PRIMARY KEY, value BLOB) STRICT;');
  const upsert = database.prepare('INSERT OR REPLACE INTO entry (key, value) VALUES (?, ?)');
  const insert = database.prepare('INSERT INTO record (value) VALUES (?)');
  return { put: (key, value) => upsert.run(key, value), append: (value) => insert.run(value), callers: 1, close: async () => database.close() };
}
