import { chmod, rename, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../src/hub.ts';
import { metadataPath, pretendHub, startLiar, startLyingIssuer } from '../src/liar.ts';
import { type Ran, run, up } from '../src/program.ts';
import { allow, asClient, closeAll, home, loginFor, opened, SECRET, TOKEN, tokenRequests, worldOfLies } from '../src/world-of-lies.ts';

afterEach(closeAll);

describe('a hub with a certificate of its own authority', () => {
  it('is logged in to with --ca, and not without', async () => {
    const user = await home();
    const certs = join(user.folder, '.meshwork', 'certs');
    for (const args of [['init'], ['server', '--host', '127.0.0.1']]) expect((await user.meshwork(['certs', ...args])).code).toBe(0);
    const port = await freePort();
    const url = `https://127.0.0.1:${port}/mcp`;
    const issuer = opened(await startLyingIssuer(url));
    const tls = { cert: join(certs, 'server.crt'), key: join(certs, 'server.key') };
    opened(await up({ port, folder: user.folder, tls, issuers: [{ issuer: issuer.origin, algorithms: ['ES256'] }] }));
    expect(await user.meshwork(['login', url, ...allow, ...asClient])).toMatchObject({
      code: 3,
      json: { error: { message: expect.stringContaining('--ca') } },
    });
    const ca = ['--ca', join(certs, 'ca.crt')];
    expect((await user.meshwork(['login', url, ...ca, ...allow, ...asClient])).code).toBe(0);
    expect((await user.meshwork(['tools', '--server', url, ...ca])).code).toBe(0);
  });
});

describe('a hub that lies', () => {
  it('gets no token made for another', async () => {
    const { meshwork, url, issuer, logins } = await worldOfLies();
    const liar = opened(await startLiar());
    pretendHub(liar, [issuer.origin], url);
    const ran = await meshwork(['login', `${liar.origin}/mcp`, ...allow, ...asClient]);
    expect(ran.json.error).toMatchObject({ code: 'WRONG_RESOURCE', message: expect.stringContaining(url) });
    expect([issuer.asked, await logins()]).toEqual([[], []]);
  });

  it('is not shown the login of another that was put in its place', async () => {
    const { meshwork, keep } = await home();
    const liar = opened(await startLiar());
    pretendHub(liar, []);
    await keep(`${liar.origin}/mcp`, loginFor('https://hub.example/mcp', 'https://idp.example'));
    const ran = await meshwork(['tools', '--server', `${liar.origin}/mcp`]);
    expect([ran.code, ran.json.error?.code]).toEqual([1, 'LOGIN_ELSEWHERE']);
    expect(liar.asked).toEqual([]);
  });

  it('is not shown the login of another path of its host', async () => {
    const { meshwork, keep } = await home();
    const liar = opened(await startLiar());
    await keep(`${liar.origin}/mcp`, loginFor(`${liar.origin}/mcp`, 'https://idp.example'));
    await meshwork(['tools', '--server', `${liar.origin}/mcp/evil`]);
    await meshwork(['tools', '--server', `${liar.origin}/evil`]);
    expect(liar.asked.map(({ headers }) => headers.authorization).filter((shown) => shown !== undefined)).toEqual([]);
    await meshwork(['tools', '--server', `${liar.origin}/mcp`]);
    expect(liar.asked.at(-1)?.headers.authorization).toBe(`Bearer ${TOKEN}`);
  });

  it.each([302, 307, 308])('does not pass a token on by a redirect, be it to itself (%i)', async (status) => {
    const { meshwork, keep } = await home();
    const liar = opened(await startLiar());
    const elsewhere = opened(await startLiar());
    await keep(`${liar.origin}/mcp`, loginFor(`${liar.origin}/mcp`, 'https://idp.example'));
    for (const location of [`${liar.origin}/elsewhere`, `${elsewhere.origin}/elsewhere`]) {
      liar.answers.set('/mcp', () => ({ status, headers: { location } }));
      const ran = await meshwork(['tools', '--server', `${liar.origin}/mcp`]);
      expect([ran.code, ran.json.error?.code]).toEqual([1, 'REDIRECTED']);
      expect((await meshwork(['login', `${liar.origin}/mcp`, ...asClient])).json.error?.code).toBe('REDIRECTED');
    }
    expect([...liar.asked, ...elsewhere.asked].filter(({ path }) => path === '/elsewhere')).toEqual([]);
  });

  it('does not lead to addresses that nobody allowed', async () => {
    const { meshwork } = await home();
    const liar = opened(await startLiar());
    const inside = opened(await startLyingIssuer(`${liar.origin}/mcp`));
    const login = async (issuer: string, args: readonly string[] = []) => {
      pretendHub(liar, [issuer]);
      return (await meshwork(['login', `${liar.origin}/mcp`, ...asClient, ...args])).json.error;
    };
    expect(await login(inside.origin)).toMatchObject({ code: 'OUTBOUND_REFUSED', message: expect.stringContaining('--allow-private-host 127.0.0.1') });
    expect(await login('https://169.254.169.254', ['--allow-private-host', '169.254.169.254'])).toMatchObject({ code: 'OUTBOUND_REFUSED' });
    // Over http secrets go on this machine only, whatever is allowed.
    expect(await login('http://10.0.0.1', ['--allow-private-host', '10.0.0.1'])).toMatchObject({
      code: 'OUTBOUND_REFUSED',
      message: expect.stringContaining('https only'),
    });
    // Nor by the metadata itself, or that of a server that was allowed.
    liar.answers.set('/mcp', () => ({ status: 401, headers: { 'www-authenticate': `Bearer resource_metadata="${inside.origin}/secret"` } }));
    expect((await meshwork(['login', `${liar.origin}/mcp`, ...asClient])).json.error).toMatchObject({ code: 'OUTBOUND_REFUSED' });
    expect(inside.asked).toEqual([]);
    inside.answers.set(metadataPath, () => ({ json: { ...inside.metadata, token_endpoint: 'http://10.0.0.1/token' } }));
    expect(await login(inside.origin, allow)).toMatchObject({ code: 'OUTBOUND_REFUSED' });
  });

  it('that has changed its authorization server gets the new one neither secret nor token', async () => {
    const { meshwork, keep } = await home();
    const [liar, honest, evil] = [opened(await startLiar()), opened(await startLyingIssuer('x')), opened(await startLyingIssuer('x'))];
    const url = `${liar.origin}/mcp`;
    pretendHub(liar, [evil.origin]);
    await keep(url, loginFor(url, honest.origin, { expiresAt: Date.now(), refreshToken: `${TOKEN}-refresh` }));
    const again = await meshwork(['login', url, ...allow]);
    expect([again.code, again.json.error?.message]).toEqual([2, expect.stringContaining('--client-id')]);
    await meshwork(['tools', '--server', url]);
    expect(tokenRequests(honest).map(({ body }) => new URLSearchParams(body).get('grant_type'))).toEqual(['refresh_token', 'refresh_token']);
    expect(evil.asked).toEqual([]);
  });

  it('does not make a login of metadata without end', async () => {
    const { meshwork } = await home();
    const liar = opened(await startLiar());
    pretendHub(liar, ['https://idp.example']);
    liar.answers.set('/.well-known/oauth-protected-resource/mcp', () => ({
      json: { resource: `${liar.origin}/mcp`, authorization_servers: ['https://idp.example'], more: 'x'.repeat(70_000) },
    }));
    expect((await meshwork(['login', `${liar.origin}/mcp`, ...asClient])).json.error?.code).toBe('OAUTH_INVALID');
  });

  it('over http, on another machine, is not logged in to at all', async () => {
    const { meshwork } = await home();
    const ran = await meshwork(['login', 'http://192.0.2.1/mcp', ...asClient]);
    expect([ran.code, ran.json.error?.message]).toEqual([2, expect.stringContaining('https')]);
  });
});

describe('a login that others could have read or written', () => {
  it.each<[string, (file: string) => Promise<unknown>]>([
    ['a file that its group may read', (file) => chmod(file, 0o640)],
    ['a file that everybody may write', (file) => chmod(file, 0o602)],
    ['a folder that everybody may enter', (file) => chmod(dirname(file), 0o711)],
    [
      'a link',
      async (file) => {
        await rename(file, `${file}.real`);
        await symlink(`${file}.real`, file);
      },
    ],
  ])('is neither used nor shown to anybody: %s', async (_, open) => {
    const { meshwork, keep } = await home();
    const liar = opened(await startLyingIssuer('x'));
    const url = `${liar.origin}/mcp`;
    const file = await keep(url, loginFor(url, liar.origin));
    await open(file);
    for (const command of ['tools', 'whoami', 'grants']) {
      const ran = await meshwork([command, '--server', url]);
      expect([ran.code, ran.json.error?.code]).toEqual([1, 'LOGIN_UNSAFE']);
    }
    const doctor = (await meshwork(['doctor', '--server', url])).json.findings as { check: string; state: string; detail: string }[];
    expect(doctor.find(({ check }) => check === 'login')).toMatchObject({ state: 'fail', detail: expect.stringContaining('others than you may read') });
    expect((await meshwork(['logout', url])).json).toMatchObject({ logged_out: true, revoked: false });
    expect(liar.asked.filter(({ headers, body }) => JSON.stringify([headers, body]).includes(TOKEN))).toEqual([]);
  });
});

describe('secrets of a login', () => {
  it('are in no output, of success or of failure', async () => {
    const { login, meshwork, url, issuer, logins } = await worldOfLies();
    const given: string[] = [SECRET];
    issuer.answers.set('/token', async () => {
      const token = await issuer.sign(url, 'mcp:read');
      given.push(token, token.slice(-43));
      return { json: { access_token: token, refresh_token: `${TOKEN}-refresh`, token_type: 'Bearer', expires_in: 1 } };
    });
    given.push(`${TOKEN}-refresh`);
    let printed = '';
    const say = ({ out, err }: Ran) => {
      printed += out + err;
    };
    say(await login());
    expect((await logins()).length).toBe(1);
    for (const command of [['tools'], ['whoami'], ['doctor'], ['grants'], ['install', 'generic', '--dry-run'], ['call', 'audit_verify']])
      for (const args of [[...command, '--server', url]]) {
        say(await meshwork(args));
        say(await run(args, { cwd: (await home()).folder, env: {} }));
      }
    issuer.answers.set('/token', ({ body, headers }) => ({ status: 400, json: { error: 'invalid_grant', error_description: body + headers.authorization } }));
    say(await meshwork(['tools', '--server', url]));
    issuer.answers.set('/token', ({ body }) => ({ status: 500, json: { body } }));
    say(await meshwork(['tools', '--server', url]));
    say(await meshwork(['logout', url]));
    expect(printed).toContain('OAUTH_REFUSED');
    expect(given.filter((secret) => printed.includes(secret))).toEqual([]);
  });
});
