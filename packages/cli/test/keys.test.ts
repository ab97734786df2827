import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Io, runCli } from 'meshwork';
import { describe, expect, it } from 'vitest';
import { inFolder, meshwork, runHub } from './program.ts';

const pepper = 'thirty-two characters of pepper, at the least';

describe('meshwork keys', () => {
  it(
    'makes, limits, rotates and revokes keys of a running hub, and leaves their secrets nowhere',
    () =>
      inFolder(async (folder) => {
        const data = join(folder, 'data');
        const log = join(folder, 'hub.log');
        await writeFile(join(folder, 'meshwork.yaml'), `log: { level: DEBUG, format: json, file: ${JSON.stringify(log)} }\n`);
        const hub = await runHub(data, ['--config', join(folder, 'meshwork.yaml')]);
        const boss = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey };
        expect((await meshwork(['agent', 'add', 'ci'], boss)).code).toBe(0);

        const limits = ['--name', 'nightly', '--expires', '30d', '--scopes', 'read', '--network', '127.0.0.0/8', '--owner', 'ann'];
        const made = await meshwork(['keys', 'create', 'ci', ...limits, '--json'], boss);
        expect(made).toMatchObject({ code: 0, json: { agent_id: 'ci', admin: false, scopes: ['read'], networks: ['127.0.0.0/8'], owner: 'ann' } });
        const ci = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: String(made.json.key) };
        expect((await meshwork(['grants'], ci)).code).toBe(0);
        const ask = ['request-permission', '--agent', 'ci', '--resource', 'SAP_API', '--justification', 'nightly run'];
        expect(await meshwork([...ask, '--json'], ci)).toMatchObject({
          code: 1,
          json: { error: { code: 'DENIED', message: expect.stringContaining('"write"') } },
        });

        const rotated = await meshwork(['keys', 'rotate', String(made.json.key_id), '--overlap', '1h', '--json'], boss);
        expect(rotated).toMatchObject({ code: 0, json: { replaces: made.json.key_id, scopes: ['read'] } });
        const next = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: String(rotated.json.key) };
        for (const both of [ci, next]) expect((await meshwork(['grants'], both)).code).toBe(0);

        expect(await meshwork(['keys', 'revoke', String(made.json.key_id), '--json'], boss)).toMatchObject({ code: 0, json: { revoked: true } });
        expect(await meshwork(['keys', 'revoke', String(made.json.key_id), '--json'], boss)).toMatchObject({ code: 0, json: { revoked: false } });
        expect(await meshwork(['grants', '--json'], ci)).toMatchObject({ code: 1, json: { error: { code: 'UNAUTHENTICATED' } } });
        expect((await meshwork(['grants'], next)).code).toBe(0);

        const listed = await meshwork(['keys', 'list', 'ci'], boss);
        expect(listed.out).toContain(String(rotated.json.key_id));
        expect(listed.out).toContain('nightly');
        expect((await meshwork(['keys', 'list', '--json'], next)).code).toBe(1);

        const told = [listed.out, (await meshwork(['audit', 'export'], boss)).out];
        await hub.stop();
        told.push(await readFile(log, 'utf8'));
        expect(told.at(-1)).toContain('key_create');
        for (const name of await readdir(data)) if (name !== 'admin.key') told.push((await readFile(join(data, name))).toString('latin1'));
        for (const { json } of [made, rotated]) for (const text of told) expect(text).not.toContain(String(json.key).slice(-43));
      }),
    120_000,
  );

  it(
    'rotates the admin key it uses itself, and keeps the new one where the old one was',
    () =>
      inFolder(async (folder) => {
        const data = join(folder, 'data');
        const hub = await runHub(data);
        const here = ['--server', hub.url, '--data', data];
        const rotated = await meshwork(['keys', 'rotate', hub.adminKey.slice(3, 19), '--json', ...here]);
        expect(rotated).toMatchObject({ code: 0, json: { admin: true, stored_in: join(data, 'admin.key') } });
        expect((await readFile(join(data, 'admin.key'), 'utf8')).trim()).toBe(rotated.json.key);
        expect((await meshwork(['keys', 'list', ...here])).code).toBe(0);
        expect((await meshwork(['keys', 'list', ...here, '--key', hub.adminKey])).code).toBe(1);
        await hub.stop();
      }),
    60_000,
  );

  it.each([
    ['create'],
    ['create', 'ci', '--admin'],
    ['create', 'ci', '--expires', '30'],
    ['create', 'ci', '--expires', '-1d'],
    ['rotate'],
    ['rotate', '0123456789abcdef', '--overlap', 'soon'],
    ['revoke'],
    ['nope'],
  ])('says what is wrong with: keys %s %s %s %s', async (...args) => {
    const words = args.filter((word) => word !== undefined);
    expect(await run(['keys', ...words, '--server', 'http://127.0.0.1:1/mcp', '--key', 'x'])).toMatchObject({ code: 2 });
  });
});

describe('the pepper of meshwork up', () => {
  it.each([
    ['is too short', { MESHWORK_KEY_PEPPER: pepper.slice(0, 31) }, /at least 32/],
    ['is in a file that is too short', { MESHWORK_KEY_PEPPER_FILE: 'short' }, /at least 32/],
    ['is in a file that is not there', { MESHWORK_KEY_PEPPER_FILE: 'none' }, /cannot be read/],
    ['is said twice', { MESHWORK_KEY_PEPPER: pepper, MESHWORK_KEY_PEPPER_FILE: 'short' }, /both set/],
  ])('stops the start when it %s', (_what, env, message) =>
    inFolder(async (folder) => {
      await writeFile(join(folder, 'short'), `${pepper.slice(0, 31)}\n`);
      const { code, err } = await run(['up', '--port', '0'], env, folder);
      expect(code).toBe(2);
      expect(err).toMatch(message);
      expect(err).not.toContain(pepper.slice(0, 31));
    }),
  );

  it(
    'decides which keys open: the same from a file or a variable, and none of them with another',
    () =>
      inFolder(async (folder) => {
        const data = join(folder, 'data');
        await writeFile(join(folder, 'pepper'), `${pepper}\n`);
        const first = await runHub(data, [], { MESHWORK_KEY_PEPPER_FILE: join(folder, 'pepper') });
        await first.stop();
        const same = await runHub(data, [], { MESHWORK_KEY_PEPPER: pepper });
        expect(same.adminKey).toBe(first.adminKey);
        expect((await meshwork(['keys', 'list', '--server', same.url, '--key', first.adminKey])).code).toBe(0);
        await same.stop();
        const other = await runHub(data, [], { MESHWORK_KEY_PEPPER: pepper.toUpperCase() });
        expect(other.adminKey).not.toBe(first.adminKey);
        expect((await meshwork(['keys', 'list', '--server', other.url, '--key', first.adminKey])).code).toBe(1);
        expect((await meshwork(['keys', 'list', '--server', other.url, '--key', other.adminKey])).out).toContain('other-pepper');
        await other.stop();
      }),
    120_000,
  );
});

/** Runs the program in this process. */
async function run(args: readonly string[], env: Record<string, string> = {}, cwd = '.') {
  const seen = { out: '', err: '' };
  const io: Io = {
    out: (text) => {
      seen.out += text;
    },
    err: (text) => {
      seen.err += text;
    },
    env,
    cwd,
    onStop: () => () => {},
  };
  return { code: await runCli(args, io), ...seen };
}
