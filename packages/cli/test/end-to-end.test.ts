import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { describe, expect, it } from 'vitest';
import { inFolder, meshwork, nodeArgs, runHub } from './program.ts';

describe('the program, from the first start on', () => {
  it(
    'guards, answers, and remembers across Ctrl-C',
    () =>
      inFolder(async (folder) => {
        const data = join(folder, 'data');
        const hub = await runHub(data);
        const admin = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey };
        expect((await stat(join(data, 'admin.key'))).mode & 0o777).toBe(0o600);
        expect((await stat(data)).mode & 0o777).toBe(0o700);

        const added = await meshwork(['agent', 'add', 'data_analyst', '--json'], admin);
        expect(added.code).toBe(0);
        expect(Object.keys(added.json)).toEqual(['agent_id', 'key']);
        const agent = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: String(added.json.key) };

        const ask = (resource: string, more: string[] = []) =>
          meshwork(['request-permission', '--agent', 'data_analyst', '--resource', resource, '--justification', 'Q4 analysis task', ...more], agent);
        const granted = await ask('SAP_API', ['--scope', 'read:orders', '--json']);
        expect(granted.code).toBe(0);
        expect(granted.json).toMatchObject({
          granted: true,
          policies: ['local-agents-everyday-resources'],
          token: expect.stringMatching(/^gt_/),
          scope: 'read:orders',
        });
        const refused = await ask('FINANCIAL_API', ['--json']);
        expect(refused.code).toBe(1);
        expect(refused.json).toMatchObject({ granted: false, policies: ['default-deny'] });
        expect((await ask('NOPE')).code).toBe(2);
        expect((await ask('SAP_API')).out).toContain('Granted SAP_API to data_analyst.');

        const token = String(granted.json.token);
        const validate = ['validate', '--token', token, '--agent', 'data_analyst', '--resource', 'SAP_API', '--json'];
        expect(await meshwork(validate, agent)).toMatchObject({ code: 0, json: { valid: true } });
        expect((await meshwork(['agent', 'list', '--json'], agent)).code).toBe(1);

        expect(await hub.stop('SIGINT')).toBe(0);
        const again = await runHub(data);
        expect(again.adminKey).toBe(hub.adminKey);
        const here = { ...agent, MESHWORK_SERVER: again.url };
        expect(await meshwork(validate, here)).toMatchObject({ code: 0, json: { valid: true } });
        expect((await meshwork(['grants', '--json'], here)).json).toMatchObject({ total: 2 });
        expect(await meshwork(['revoke', '--token', token, '--json'], here)).toMatchObject({ code: 0, json: { revoked: true } });
        expect(await meshwork(validate, here)).toMatchObject({ code: 1, json: { valid: false } });
        expect(await again.stop('SIGTERM')).toBe(0);

        const third = await runHub(data);
        const boss = { MESHWORK_SERVER: third.url, MESHWORK_KEY: third.adminKey };
        expect(await meshwork(validate, { ...agent, MESHWORK_SERVER: third.url })).toMatchObject({ code: 1 });
        expect(await meshwork(['audit', 'verify', '--json'], boss)).toMatchObject({ code: 0, json: { ok: true } });
        const records = (await meshwork(['audit', 'list', '--name', 'request_permission', '--json'], boss)).json as unknown as {
          records: { outcome: string }[];
        };
        expect(records.records.map(({ outcome }) => outcome)).toEqual(['ok', 'invalid', 'ok', 'ok']);
        const exported = await meshwork(['audit', 'export'], boss);
        expect(exported.out).not.toContain(token);
        expect(exported.out).not.toContain(hub.adminKey.slice(-43));
        expect(await meshwork(['doctor', '--json', '--data', data], boss)).toMatchObject({ code: 0, json: { ok: true } });
        await third.stop();
      }),
    120_000,
  );

  it(
    'finds a cut log by a checkpoint kept elsewhere',
    () =>
      inFolder(async (folder) => {
        const hub = await runHub(join(folder, 'a'));
        const boss = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey };
        await meshwork(['agent', 'list'], boss);
        expect((await meshwork(['audit', 'checkpoint', '--out', join(folder, 'kept.json')], boss)).code).toBe(0);
        expect((await meshwork(['audit', 'verify', '--checkpoint', join(folder, 'kept.json')], boss)).code).toBe(0);
        const { size, ...rest } = JSON.parse(await readFile(join(folder, 'kept.json'), 'utf8'));
        await writeFile(join(folder, 'kept.json'), JSON.stringify({ ...rest, size: size + 1_000 }));
        expect(await meshwork(['audit', 'verify', '--checkpoint', join(folder, 'kept.json')], boss)).toMatchObject({
          code: 1,
          out: expect.stringContaining('the chain ends at record'),
        });
        await hub.stop();
      }),
    60_000,
  );

  it(
    'refuses a second hub on the same folder, and a taken port',
    () =>
      inFolder(async (folder) => {
        const hub = await runHub(join(folder, 'a'));
        expect(await meshwork(['up', '--port', '0', '--data', join(folder, 'a')])).toMatchObject({
          code: 1,
          err: expect.stringContaining('in use by another process'),
        });
        expect(await meshwork(['up', '--port', new URL(hub.url).port, '--data', join(folder, 'b')])).toMatchObject({
          code: 1,
          err: expect.stringContaining('is taken'),
        });
        expect((await meshwork(['up', '--port', '0', '--data', join(folder, 'a'), '--json'])).json).toMatchObject({ error: { code: 'STORE_IN_USE' } });
        await hub.stop();
      }),
    60_000,
  );
});

describe('exit codes', () => {
  it(
    'are 3 when nothing answers, 2 for a wrong command line, 1 for a key nobody knows',
    () =>
      inFolder(async (folder) => {
        const hub = await runHub(join(folder, 'a'));
        const none = { MESHWORK_SERVER: 'http://127.0.0.1:1/mcp', MESHWORK_KEY: 'x' };
        expect(await meshwork(['grants', '--json'], none)).toMatchObject({ code: 3, json: { error: { code: 'UNREACHABLE' } } });
        expect((await meshwork(['grants', '--nope'])).code).toBe(2);
        expect((await meshwork(['nope'])).code).toBe(2);
        expect((await meshwork(['request-permission', '--agent', 'a'])).code).toBe(2);
        expect((await meshwork(['up', '--port', 'x'])).code).toBe(2);
        expect(await meshwork(['grants', '--json'], { MESHWORK_SERVER: hub.url, MESHWORK_KEY: 'x' })).toMatchObject({
          code: 1,
          json: { error: { code: 'UNAUTHENTICATED' } },
        });
        expect((await meshwork(['call', 'nope'], { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey })).code).toBe(2);
        await hub.stop();
      }),
    60_000,
  );
});

describe('on standard input and output', () => {
  const clients = [
    ['the 2.x client, revision 2026-07-28', () => new Client({ name: 'c', version: '1' }, { versionNegotiation: { mode: 'auto' } }), StdioClientTransport],
    ['the 2.x client, a 2025 revision', () => new Client({ name: 'c', version: '1' }), StdioClientTransport],
    ['the 1.x client', () => new OldClient({ name: 'c', version: '1' }), OldStdio],
  ] as const;

  it.each(clients)(
    '%s requests, validates, revokes and reads',
    (_what, makeClient, Transport) =>
      inFolder(async (folder) => {
        const client = makeClient() as Client;
        await client.connect(
          new Transport({
            command: process.execPath,
            args: [...nodeArgs, 'up', '--stdio', '--agent', 'desk', '--data', join(folder, 'a')],
            stderr: 'ignore',
          }) as never,
        );
        expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(
          expect.arrayContaining(['request_permission', 'validate_token', 'revoke_token']),
        );
        const ask = { agent_id: 'desk', resource_type: 'SAP_API', justification: 'Q4 analysis task' };
        const { structuredContent: granted } = (await client.callTool({ name: 'request_permission', arguments: ask })) as {
          structuredContent: { token: string };
        };
        const check = { token: granted.token, agent_id: 'desk', resource_type: 'SAP_API' };
        expect(await client.callTool({ name: 'validate_token', arguments: check })).toMatchObject({ structuredContent: { valid: true } });
        expect(await client.callTool({ name: 'agent_list', arguments: {} })).toMatchObject({ isError: true, structuredContent: { code: 'DENIED' } });
        expect(JSON.stringify(await client.readResource({ uri: 'grants://active' }))).toContain('SAP_API');
        expect(await client.callTool({ name: 'revoke_token', arguments: { token: granted.token } })).toMatchObject({ structuredContent: { revoked: true } });
        expect(await client.callTool({ name: 'validate_token', arguments: check })).toMatchObject({ structuredContent: { valid: false } });
        expect(JSON.stringify(await client.readResource({ uri: 'grants://audit' }))).toContain('revoked');
        await client.close();
      }),
    60_000,
  );
});

describe('installing', () => {
  it.each(['claude-desktop', 'claude-code', 'cursor', 'vscode', 'windsurf', 'generic'])('prints what %s needs, and no key', async (client) => {
    const { code, json } = await meshwork(['install', client, '--dry-run', '--json', '--key', 'mk_secret']);
    expect(code).toBe(0);
    expect(JSON.stringify(json)).toContain('meshwork');
    expect(JSON.stringify(json)).not.toContain('mk_secret');
  });
});
