import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { openPostgres } from '@meshwork/store-postgres';
import { openSqlite } from '@meshwork/store-sqlite';
import { describeWithEngine } from '@meshwork/test-engines';
import { collect } from '@meshwork/testing';
import { Client } from 'pg';
import { afterAll, expect, it } from 'vitest';
import { inFolder, meshwork, nodeArgs, runHub } from './program.ts';

const KEYS = 3_000;
const RECORDS = 40_000;

await describeWithEngine('postgres', (url) => {
  const schema = `meshwork_migrate_${process.pid}_${Date.now()}`;
  const target = `${url}?schema=${schema}`;
  afterAll(async () => {
    const database = new Client(url);
    await database.connect();
    await database.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await database.end();
  });

  it(
    'is copied from SQLite by a program that is killed with -9 again and again, and a hub goes on with it',
    () =>
      inFolder(async (folder) => {
        const data = join(folder, 'data');
        const hub = await runHub(data);
        const boss = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey };
        await meshwork(['agent', 'add', 'data_analyst'], boss);
        await hub.stop();
        const source = await openSqlite({ path: join(data, 'hub.db') });
        await Promise.all(Array.from({ length: KEYS }, (_, index) => source.put(`bulk/${index}`, { index }, index % 3 === 0 ? { ttlMs: 3_600_000 } : {})));
        await source.append(
          'bulk',
          Array.from({ length: RECORDS }, (_, index) => index),
        );
        await source.trim('bulk', 5_001);
        const keys = (await collect(source.list(''))).length;
        await source.close();

        const args = ['migrate', '--from', `sqlite:${data}`, '--to', target, '--json'];
        const database = new Client(url);
        await database.connect();
        const atLeast = async (count: number, what: string) => {
          const { rows } = await database.query(`SELECT ${what} AS count FROM ${schema}.stream`).catch(() => ({ rows: [] }));
          return Number(rows[0]?.count ?? 0) >= count;
        };
        // In the midst of the keys, of the blanks for what was trimmed, of the records.
        for (const [count, what] of [
          [500, `(SELECT count(*) FROM ${schema}.entry)`],
          [2_000, `(SELECT count(*) FROM ${schema}.entry)`],
          [4_000, 'max(head)'],
          [15_000, 'max(head)'],
        ] as const) {
          const child = spawn(process.execPath, [...nodeArgs, ...args], { stdio: 'ignore' });
          const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
          while (child.exitCode === null && !(await atLeast(count, what))) await new Promise((resolve) => setTimeout(resolve, 5));
          child.kill('SIGKILL');
          expect(await ended).toBe('SIGKILL');
        }
        await database.end();
        const done = await meshwork(args);
        expect(done).toMatchObject({
          code: 0,
          json: { ok: true, isResumed: true, wasDone: false, keys, digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
        });
        const copy = await openPostgres({ url, schema });
        expect((await collect(copy.read('bulk', { from: 1 }))).map(({ offset }) => offset)).toEqual(
          Array.from({ length: RECORDS - 5_000 }, (_, i) => 5_001 + i),
        );
        expect((await copy.get('bulk/0'))?.ttlMs).toBeGreaterThan(3_000_000);
        await copy.close();

        const moved = await runHub(data, ['--store', target]);
        const there = { ...boss, MESHWORK_SERVER: moved.url };
        expect((await meshwork(['agent', 'list', '--json'], there)).out).toContain('data_analyst');
        expect((await meshwork(['audit', 'verify', '--json'], there)).json).toMatchObject({ ok: true });
        await moved.stop();
        expect(await meshwork([...args.slice(0, 3), '--to', `sqlite:${data}`])).toMatchObject({ code: 2 });
      }),
    120_000,
  );
});
