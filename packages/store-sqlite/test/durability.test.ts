import { fork } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { StoreInUseError } from '@meshwork/core';
import { openSqlite, StoreFormatError } from '@meshwork/store-sqlite';
import { collect } from '@meshwork/testing';
import { expect, it } from 'vitest';

const writer = fileURLToPath(new URL('writer.ts', import.meta.url));

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-sqlite-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lets a writer run until it has been told of some writes, kills it with -9, and returns the last acknowledged count of each name. */
function writeAndKill(path: string, afterMessages: number): Promise<Map<number, number>> {
  const acknowledged = new Map<number, number>();
  const child = fork(writer, [path], { execArgv: ['--conditions=@meshwork/source'] });
  let messages = 0;
  child.on('message', (message) => {
    if (message === 'open') return;
    const { name, count } = message as { name: number; count: number };
    acknowledged.set(name, count);
    if (++messages === afterMessages) child.kill('SIGKILL');
  });
  return new Promise((resolve) => child.once('exit', () => resolve(acknowledged)));
}

it('loses nothing it acknowledged when its process is killed, and keeps appends whole', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'hub.db');
    for (let round = 0; round < 5; round++) {
      const acknowledged = await writeAndKill(path, 50 + round * 97);
      expect(acknowledged.size).toBeGreaterThan(0);
      const store = await openSqlite({ path });
      for (const [name, count] of acknowledged) expect(Number((await store.get(`key/${name}`))?.value)).toBeGreaterThanOrEqual(count);
      const records = await collect(store.read('log'));
      expect(records.map(({ offset }) => offset)).toEqual(records.map((_, index) => index + 1));
      // Pairs were appended together: neither half may be alone.
      for (let at = 0; at < records.length; at += 2) expect(records[at]?.value).toEqual(records[at + 1]?.value);
      for (const [name, count] of acknowledged) expect(records.some(({ value }) => JSON.stringify(value) === JSON.stringify({ name, count }))).toBe(true);
      await store.close();
      // The next round starts from a fresh file, whose counts start at one.
      for (const file of await readdir(folder)) await rm(join(folder, file));
    }
  });
});

it('belongs to one process, and says so to the second', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'hub.db');
    const first = await openSqlite({ path });
    await expect(openSqlite({ path })).rejects.toThrow(StoreInUseError);
    const child = fork(writer, [path], { execArgv: ['--conditions=@meshwork/source'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let complaint = '';
    child.stderr?.on('data', (chunk) => {
      complaint += chunk;
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).not.toBe(0);
    expect(complaint).toContain('is in use by another process');
    await first.put('still', 'mine');
    await first.close();
    await (await openSqlite({ path })).close();
  });
});

it('is readable by its owner only', async () => {
  await inFolder(async (folder) => {
    const inner = join(folder, 'data');
    const store = await openSqlite({ path: join(inner, 'hub.db') });
    await store.put('secret', 1);
    expect((await stat(inner)).mode & 0o777).toBe(0o700);
    for (const file of await readdir(inner)) expect((await stat(join(inner, file))).mode & 0o077).toBe(0);
    await store.close();
  });
});

it('keeps everything across a restart, expired keys excepted', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'hub.db');
    const first = await openSqlite({ path });
    const { revision } = await first.put('stays', { a: 1 });
    await first.put('goes', 1, { ttlMs: 1 });
    await first.append('log', ['a']);
    await first.close();
    const second = await openSqlite({ path, clock: { now: () => Date.now() + 1_000 } });
    expect(await second.get('stays')).toEqual({ key: 'stays', value: { a: 1 }, revision });
    expect(await second.get('goes')).toBeUndefined();
    expect(await second.append('log', ['b'], { expected: 1 })).toEqual([2]);
    expect((await second.put('next', 1)).revision).toBeGreaterThan(revision);
    await second.close();
  });
});

it('refuses a file that is not its own, or newer, and leaves it alone', async () => {
  await inFolder(async (folder) => {
    const text = join(folder, 'text.db');
    await writeFile(text, 'this is not a database, and long enough to be read as one: '.repeat(20));
    await expect(openSqlite({ path: text })).rejects.toThrow(StoreFormatError);
    const foreign = join(folder, 'foreign.db');
    const database = new DatabaseSync(foreign);
    database.exec('CREATE TABLE other (a)');
    database.close();
    await expect(openSqlite({ path: foreign })).rejects.toThrow(/not a meshwork store/);
    const newer = join(folder, 'newer.db');
    await (await openSqlite({ path: newer })).close();
    const opened = new DatabaseSync(newer);
    opened.exec('PRAGMA user_version = 99');
    opened.close();
    await expect(openSqlite({ path: newer })).rejects.toThrow(/newer meshwork/);
    await chmod(newer, 0o600);
  });
});
