import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqlite } from '@meshwork/store-sqlite';
import { collect, take } from '@meshwork/testing';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'meshwork-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a store of format 1', () => {
  it('is brought up to date with all it holds', async () => {
    const path = join(folder, 'one.db');
    const database = new DatabaseSync(path);
    database.exec(`
      CREATE TABLE entry (key TEXT PRIMARY KEY, kind INTEGER NOT NULL, value BLOB NOT NULL, revision INTEGER NOT NULL, expires INTEGER) WITHOUT ROWID, STRICT;
      CREATE INDEX entry_expires ON entry (expires) WHERE expires IS NOT NULL;
      CREATE TABLE change (revision INTEGER PRIMARY KEY, key TEXT NOT NULL, kind INTEGER NOT NULL, value BLOB) STRICT;
      CREATE TABLE stream (name TEXT PRIMARY KEY, id INTEGER NOT NULL UNIQUE, head INTEGER NOT NULL) WITHOUT ROWID, STRICT;
      CREATE TABLE record (stream INTEGER NOT NULL, offset INTEGER NOT NULL, time INTEGER NOT NULL, kind INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (stream, offset)) WITHOUT ROWID, STRICT;
      CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;
      INSERT INTO counter VALUES ('revision', 7), ('dropped', 6);
      INSERT INTO entry VALUES ('key', 0, CAST('{"a":1}' AS BLOB), 7, NULL);
      INSERT INTO change VALUES (7, 'key', 0, CAST('{"a":1}' AS BLOB));
      INSERT INTO stream VALUES ('log', 1, 4), ('empty', 2, 9);
      INSERT INTO record VALUES (1, 3, 100, 0, CAST('"é"' AS BLOB)), (1, 4, 200, 1, x'00ff');
      PRAGMA application_id = ${0x4d657368}; PRAGMA user_version = 1;
    `);
    database.close();
    const store = await openSqlite({ path });
    expect(await store.get('key')).toEqual({ key: 'key', value: { a: 1 }, revision: 7 });
    expect(await take(store.watch('', { from: 6 }), 1)).toEqual([{ type: 'put', key: 'key', value: { a: 1 }, revision: 7 }]);
    expect(await store.put('key', 2, { expected: 7 })).toEqual({ revision: 8 });
    expect(await collect(store.read('log'))).toEqual([
      { offset: 3, time: 100, value: 'é' },
      { offset: 4, time: 200, value: new Uint8Array([0, 255]) },
    ]);
    expect(await store.append('log', ['next'], { expected: 4 })).toEqual([5]);
    expect(await store.head('empty')).toBe(9);
    expect(await store.append('empty', ['next'])).toEqual([10]);
    await store.close();
    const again = await openSqlite({ path });
    expect(await again.head('log')).toBe(5);
    await again.close();
  });
});

describe('records that share a row', () => {
  it('are read, trimmed and counted one by one', async () => {
    const path = join(folder, 'rows.db');
    const values = Array.from({ length: 1_700 }, (_, index) => (index % 3 === 0 ? new Uint8Array([index % 256]) : { index, text: 'ü'.repeat(index % 90) }));
    const store = await openSqlite({ path });
    await store.append('log', values);
    for (const [from, limit] of [
      [1, 1],
      [500, 2],
      [501, 1_000],
      [1_699, 10],
      [-5, 3],
    ] as const) {
      const start = Math.max(from, 1);
      const expected = values.slice(start - 1, start - 1 + limit).map((value, index) => ({ offset: start + index, value }));
      expect((await collect(store.read('log', { from, limit }))).map(({ offset, value }) => ({ offset, value }))).toEqual(expected);
    }
    for (const before of [2, 250, 250, 501, 777, 1_700]) {
      await store.trim('log', before);
      const kept = await collect(store.read('log'));
      expect(kept.map(({ offset, value }) => ({ offset, value }))).toEqual(values.slice(before - 1).map((value, index) => ({ offset: before + index, value })));
    }
    // What is appended and trimmed in one commit.
    await Promise.all([store.append('log', ['a', 'b']), store.trim('log', 1_702), store.append('log', ['c'])]);
    expect((await collect(store.read('log'))).map(({ offset, value }) => [offset, value])).toEqual([
      [1_702, 'b'],
      [1_703, 'c'],
    ]);
    await store.trim('log', Number.POSITIVE_INFINITY);
    await store.close();
    const again = await openSqlite({ path });
    expect(await again.head('log')).toBe(1_703);
    expect(await again.append('log', ['d'])).toEqual([1_704]);
    expect(await collect(again.read('log', { from: Number.POSITIVE_INFINITY }))).toEqual([]);
    await again.close();
  });
});
