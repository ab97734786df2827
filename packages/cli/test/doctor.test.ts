import { join } from 'node:path';
import { openPostgres } from '@meshwork/store-postgres';
import { describeWithEngine } from '@meshwork/test-engines';
import { Client } from 'pg';
import { afterAll, expect, it } from 'vitest';
import { inFolder, meshwork } from './program.ts';

await describeWithEngine('postgres', (url) => {
  const mark = `meshwork_doctor_${process.pid}_${Date.now()}`;
  const made = async () => {
    const database = new Client(url);
    await database.connect();
    const { rows } = await database.query('SELECT nspname FROM pg_namespace WHERE starts_with(nspname, $1)', [mark]);
    await database.end();
    return rows.map(({ nspname }) => nspname as string);
  };
  afterAll(async () => {
    const database = new Client(url);
    await database.connect();
    for (const schema of await made()) await database.query(`DROP SCHEMA ${schema} CASCADE`);
    await database.end();
  });
  const storeFinding = async (folder: string, store: string, env: Record<string, string> = {}) => {
    const { json } = await meshwork(['doctor', '--json', '--data', join(folder, 'data')], { MESHWORK_STORE: store, ...env }, folder);
    return (json as unknown as { findings: { check: string }[] }).findings.find(({ check }) => check === 'store');
  };

  it(
    'is looked at by the doctor, who makes nothing there: no schema, no table, no mark of encryption',
    () =>
      inFolder(async (folder) => {
        expect(await storeFinding(folder, `${url}?schema=${mark}`)).toMatchObject({ state: 'warn', detail: expect.stringContaining('there is no store') });
        expect(await made()).toEqual([]);
        await (await openPostgres({ url, schema: mark })).close();
        const keys = { MESHWORK_ENCRYPT_WITH: 'env:KEYS', KEYS: `k:${Buffer.alloc(32, 1).toString('base64')}` };
        for (const env of [{}, keys])
          expect(await storeFinding(folder, `${url}?schema=${mark}`, env)).toMatchObject({ state: 'ok', detail: expect.stringContaining('answers') });
        const store = await openPostgres({ url, schema: mark });
        for await (const { key } of store.list('')) expect.unreachable(`the doctor put ${key}`);
        await store.close();
      }),
    60_000,
  );
});
