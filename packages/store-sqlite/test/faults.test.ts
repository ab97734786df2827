import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { UnavailableError } from '@meshwork/core';
import { openSqlite } from '@meshwork/store-sqlite';
import { collect, take } from '@meshwork/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshwork-sqlite-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(['beside', 'calling'])('a write the engine fails, syncing %s the event loop', (way) => {
  const thread = way === 'beside';

  it('takes none of its neighbours with it', async () => {
    let time = 1;
    const store = await openSqlite({ path: join(folder, `neighbours-${way}.db`), thread, clock: { now: () => time } });
    await store.append('log', ['before']);
    // Not a time a record can carry: the engine refuses it after the neighbour has been written.
    time = Number.NaN;
    const watching = take(store.watch('', { from: 0 }), 2);
    const outcomes = await Promise.allSettled([store.put('a', 1), store.append('log', ['bad']), store.put('b', 2), store.append('log', [], { expected: 9 })]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : undefined))).toEqual([
      undefined,
      'UNAVAILABLE',
      undefined,
      'CONFLICT',
    ]);
    expect((await watching).map(({ key, revision }) => [key, revision])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
    await expect(store.append('log', ['bad'])).rejects.toThrow(UnavailableError);
    time = 2;
    expect(await store.append('log', ['after'])).toEqual([2]);
    expect((await collect(store.read('log'))).map(({ value }) => value)).toEqual(['before', 'after']);
    await store.close();
  });

  it('has an unknown outcome when it was the commit that failed, and the store goes on with what it acknowledged', async () => {
    const path = join(folder, `full-${way}.db`);
    const writer = fileURLToPath(new URL('full-disk.ts', import.meta.url));
    // A limit on the size of files is a full disk to SQLite: the commit is what writes.
    const script = 'ulimit -f 600; exec "$0" --conditions=@meshwork/source "$1" "$2" "$3"';
    const { stdout } = await promisify(execFile)('sh', ['-c', script, process.execPath, writer, path, way]);
    const { acknowledged, codes } = JSON.parse(stdout) as { acknowledged: number; codes: string[] };
    expect(acknowledged).toBeGreaterThan(0);
    expect(codes).toEqual(['UNKNOWN_OUTCOME', 'UNKNOWN_OUTCOME']);
    const store = await openSqlite({ path });
    for (let index = 0; index < acknowledged; index++) expect(await store.get(`key/${index}`)).toBeDefined();
    await store.put('later', 1);
    await store.close();
  });
});
