import { join } from 'node:path';
import { describeWithEngine } from '@meshwork/test-engines';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as Database } from 'pg';
import { afterAll, expect, it } from 'vitest';
import { inFolder, meshwork, type RunningProgram, runHub } from './program.ts';

/** What the guardian promises of other hubs of a store. */
const BOUND_MS = 5_000;

await describeWithEngine('postgres', (url) => {
  const schema = `meshwork_cli_${process.pid}_${Date.now()}`;
  const store = `${url}?schema=${schema}`;
  afterAll(async () => {
    const database = new Database(url);
    await database.connect();
    await database.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await database.end();
  });

  it(
    'is one for two hubs: grants, revocations, keys, updates and the audit log',
    () =>
      inFolder(async (folder) => {
        const data = join(folder, 'data');
        const one = await runHub(data, ['--store', store]);
        const two = await runHub(data, [], { MESHWORK_STORE: store });
        const boss = (hub: RunningProgram) => ({ MESHWORK_SERVER: hub.url, MESHWORK_KEY: one.adminKey });
        const added = await meshwork(['agent', 'add', 'data_analyst', '--json'], boss(one));
        const agent = (hub: RunningProgram) => ({ MESHWORK_SERVER: hub.url, MESHWORK_KEY: String(added.json.key) });

        const updates: string[] = [];
        const listener = new Client({ name: 'listener', version: '1' }, { versionNegotiation: { mode: 'auto' } });
        listener.setNotificationHandler('notifications/resources/updated', ({ params }) => void updates.push(params.uri));
        await listener.connect(new StreamableHTTPClientTransport(new URL(two.url), { requestInit: { headers: { authorization: `Bearer ${one.adminKey}` } } }));
        await listener.listen({ resourceSubscriptions: ['grants://active'] });
        await new Promise((resolve) => setTimeout(resolve, 500));

        const granted = await meshwork(
          ['request-permission', '--agent', 'data_analyst', '--resource', 'SAP_API', '--justification', 'Q4 analysis task', '--scope', 'read:orders', '--json'],
          agent(one),
        );
        expect(granted).toMatchObject({ code: 0 });
        await expect.poll(() => updates, { timeout: 5_000 }).toContain('grants://active');
        const token = String(granted.json.token);
        const validate = (hub: RunningProgram) =>
          meshwork(['validate', '--token', token, '--agent', 'data_analyst', '--resource', 'SAP_API', '--json'], agent(hub));
        expect(await validate(two)).toMatchObject({ code: 0, json: { valid: true } });
        expect(await meshwork(['revoke', '--token', token, '--json'], agent(one))).toMatchObject({ code: 0, json: { revoked: true } });
        const revokedAt = Date.now();
        await expect.poll(async () => (await validate(two)).json.valid, { timeout: BOUND_MS }).toBe(false);
        expect(Date.now() - revokedAt).toBeLessThan(BOUND_MS);

        const removed = await meshwork(['agent', 'remove', 'data_analyst', '--json'], boss(one));
        expect(removed.code).toBe(0);
        await expect.poll(async () => (await validate(two)).code, { timeout: BOUND_MS + 3_000 }).toBe(1);
        expect(await meshwork(['audit', 'verify', '--json'], boss(two))).toMatchObject({ code: 0, json: { ok: true } });
        await listener.close();
        expect(await Promise.all([one.stop(), two.stop()])).toEqual([0, 0]);
      }),
    90_000,
  );
});

await describeWithEngine('redis', (url) => {
  it(
    'is one for two hubs',
    () =>
      inFolder(async (folder) => {
        const store = `${url}?prefix=meshwork_cli_${process.pid}_${Date.now()}`;
        const one = await runHub(join(folder, 'data'), ['--store', store]);
        const two = await runHub(join(folder, 'data'), ['--store', store]);
        const boss = (hub: RunningProgram) => ({ MESHWORK_SERVER: hub.url, MESHWORK_KEY: one.adminKey });
        expect((await meshwork(['agent', 'add', 'data_analyst'], boss(one))).code).toBe(0);
        expect((await meshwork(['agent', 'list', '--json'], boss(two))).out).toContain('data_analyst');
        expect((await meshwork(['audit', 'verify', '--json'], boss(two))).json).toMatchObject({ ok: true });
        expect(await Promise.all([one.stop(), two.stop()])).toEqual([0, 0]);
      }),
    60_000,
  );
});
