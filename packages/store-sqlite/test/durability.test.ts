import { fork } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { StoreInUseError } from '@meshwork/core';
import { openSqlite } from '@meshwork/store-sqlite';
import { collect } from '@meshwork/testing';
import { expect, it } from 'vitest';

const writer = fileURLToPath(new URL('writer.ts', import.meta.url));
const crowd = fileURLToPath(new URL('crowd.ts', import.meta.url));

/** A record of the crowd is its mark, and then the letter its mark asks for, as often as it says. */
function isWhole(value: string): boolean {
  const [, letter = '', times, rest] = /^\d+\/\d+\/\d+:(\w)(\d+):(\w+)$/.exec(value) ?? [];
  return rest === letter.repeat(Number(times));
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-sqlite-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const KILLS = 20;

/** Lets a writer count on from a number until it has been told of some writes, kills it with -9, and returns what was acknowledged of each name. */
function writeAndKill(path: string, way: string, from: number, afterMessages: number): Promise<Map<number, number[]>> {
  const acknowledged = new Map<number, number[]>();
  const child = fork(writer, [path, way, String(from)], { execArgv: ['--conditions=@meshwork/source'] });
  let messages = 0;
  child.on('message', (message) => {
    if (message === 'open') return;
    const { name, count } = message as { name: number; count: number };
    acknowledged.set(name, [...(acknowledged.get(name) ?? []), count]);
    if (++messages === afterMessages) child.kill('SIGKILL');
  });
  return new Promise((resolve) => child.once('exit', () => resolve(acknowledged)));
}

it.each(['beside', 'calling'])(
  `loses nothing it acknowledged when its process is killed ${KILLS} times, and keeps appends whole (%s)`,
  {
    timeout: 300_000,
  },
  async (way) => {
    await inFolder(async (folder) => {
      const path = join(folder, 'hub.db');
      const all: { readonly name: number; readonly count: number }[] = [];
      for (let round = 0; round < KILLS; round++) {
        // Counts of a round lie above all of those before it, done and not acknowledged.
        const acknowledged = await writeAndKill(path, way, 1 + round * 1_000_000, 50 + (round % 5) * 97);
        expect(acknowledged.size).toBeGreaterThan(0);
        for (const [name, counts] of acknowledged) for (const count of counts) all.push({ name, count });
        const store = await openSqlite({ path });
        for (const [name, counts] of acknowledged)
          expect(Number((await store.get(`key/${name}`))?.value)).toBeGreaterThanOrEqual(counts.at(-1) ?? Number.POSITIVE_INFINITY);
        const records = await collect(store.read('log'));
        expect(records.map(({ offset }) => offset)).toEqual(records.map((_, index) => index + 1));
        // Pairs were appended together: neither half may be alone.
        for (let at = 0; at < records.length; at += 2) expect(records[at]?.value).toEqual(records[at + 1]?.value);
        const there = new Set(records.map(({ value }) => JSON.stringify(value)));
        expect(all.filter((record) => !there.has(JSON.stringify(record)))).toEqual([]);
        await store.close();
      }
    });
  },
);

it('has every acknowledged append whole and in its place, whenever the process is killed among many of them', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'hub.db');
    const acknowledged = new Map<number, string>();
    for (let round = 0; round < 4; round++) {
      const child = fork(crowd, [path, String(round)], { execArgv: ['--conditions=@meshwork/source'] });
      let seen = 0;
      child.on('message', (batch) => {
        for (const [offset, mark] of batch as [number, string][]) acknowledged.set(offset, mark);
        // Late enough that the log has been copied into the database and begun anew, and killed amid the next time.
        seen += (batch as unknown[]).length;
        if (seen > 3_000 + round * 700) child.kill('SIGKILL');
      });
      await new Promise((resolve) => child.once('exit', resolve));
      const store = await openSqlite({ path });
      const records = await collect(store.read('crowd'));
      expect(records.map(({ offset }) => offset)).toEqual(records.map((_, index) => index + 1));
      for (const { value } of records) expect(isWhole(String(value))).toBe(true);
      for (const [offset, mark] of acknowledged) expect(String(records[offset - 1]?.value).startsWith(mark)).toBe(true);
      expect(await store.head('crowd')).toBe(records.length);
      await store.close();
      const database = new DatabaseSync(path);
      expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
      database.close();
    }
  });
});

it.each([true, false])('belongs to one process, and says so to the second (thread: %s)', async (thread) => {
  await inFolder(async (folder) => {
    const path = join(folder, 'hub.db');
    const first = await openSqlite({ path, thread });
    await expect(openSqlite({ path })).rejects.toThrow(StoreInUseError);
    await expect(openSqlite({ path, thread: false })).rejects.toThrow(StoreInUseError);
    const otherName = join(folder, 'other.db');
    await symlink(path, otherName);
    await expect(openSqlite({ path: otherName })).rejects.toThrow(StoreInUseError);
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
