import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreFormatError } from '@meshwork/core';
import { openSqlite } from '@meshwork/store-sqlite';
import { afterAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'meshwork-sqlite-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder's files with their modes, times and bytes; not SQLite's index of the log, which is scratch space and holds nothing of its own. */
function contentOf(folder: string): unknown {
  return readdirSync(folder)
    .filter((name) => !name.endsWith('-shm'))
    .map((name) => {
      const { mode, mtimeMs } = statSync(join(folder, name));
      return { name, mode, mtimeMs, bytes: readFileSync(join(folder, name)).toString('base64') };
    });
}

/** Runs SQL on a file. `crashed`: the file and its log are as they were while it was open, which is how a killed program leaves them. */
function databaseWith(path: string, sql: string, { crashed = false } = {}): void {
  const database = new DatabaseSync(crashed ? `${path}.source` : path);
  database.exec(sql);
  if (crashed) for (const end of ['', '-wal']) copyFileSync(`${path}.source${end}`, `${path}${end}`);
  database.close();
  rmSync(`${path}.source`, { force: true });
}

async function newerStore(path: string, options: { crashed: boolean }): Promise<void> {
  const source = options.crashed ? `${path}.source` : path;
  await (await openSqlite({ path: source })).close();
  databaseWith(path, 'PRAGMA user_version = 99', options);
}

describe('a file that is not a store of this version', () => {
  it.each<readonly [string, (path: string) => void | Promise<void>]>([
    ['text', (path) => writeFileSync(path, 'this is not a database, and long enough to be read as one: '.repeat(20))],
    ['a few bytes', (path) => writeFileSync(path, 'hello')],
    ['a database of somebody else', (path) => databaseWith(path, 'CREATE TABLE other (a)')],
    ['a database of somebody else in WAL mode', (path) => databaseWith(path, 'PRAGMA journal_mode = WAL; CREATE TABLE other (a)')],
    [
      'a database of somebody else whose program was killed',
      (path) => databaseWith(path, 'PRAGMA journal_mode = WAL; CREATE TABLE other (a); INSERT INTO other VALUES (1)', { crashed: true }),
    ],
    ['a database that another program marked', (path) => databaseWith(path, 'PRAGMA application_id = 7')],
    ['a newer store', (path) => newerStore(path, { crashed: false })],
    ['a newer store whose hub was killed', (path) => newerStore(path, { crashed: true })],
  ])('is refused and left alone: %s', async (_what, make) => {
    const folder = mkdtempSync(join(root, 'folder-'));
    const path = join(folder, 'hub.db');
    await make(path);
    chmodSync(path, 0o644);
    const before = contentOf(folder);
    await expect(openSqlite({ path })).rejects.toThrow(StoreFormatError);
    expect(contentOf(folder)).toEqual(before);
  });

  it('says which it is', async () => {
    const foreign = join(root, 'foreign.db');
    databaseWith(foreign, 'CREATE TABLE other (a)');
    await expect(openSqlite({ path: foreign })).rejects.toThrow(/not a meshwork store/);
    const newer = join(root, 'newer.db');
    await newerStore(newer, { crashed: false });
    await expect(openSqlite({ path: newer })).rejects.toThrow(/newer meshwork/);
  });

  it('is not what an empty file is', async () => {
    const path = join(root, 'empty.db');
    writeFileSync(path, '');
    const store = await openSqlite({ path });
    await store.put('key', 1);
    await store.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
