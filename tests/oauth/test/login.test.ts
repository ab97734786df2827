import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { spawnRun } from '../src/program.ts';
import { openWorld, type World } from '../src/world.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

async function world(): Promise<World> {
  const made = await openWorld();
  open.push(made);
  return made;
}

describe('a login with a code that somebody enters', () => {
  it('opens the hub for the commands after it, without a key', async () => {
    const { url, provider, meshwork, loginByDevice, loginFile } = await world();
    expect((await meshwork(['tools'])).code).toBe(1);
    const login = await loginByDevice();
    expect(login.err).toContain('and enter the code');
    expect([login.code, login.json]).toEqual([
      0,
      {
        resource: url,
        issuer: provider.issuer,
        client_id: 'program',
        grant: 'device',
        scope: 'mcp:read',
        renewable: true,
        expires_at: expect.any(String),
        stored_in: await loginFile(),
      },
    ]);
    const tools = await meshwork(['tools', '--json']);
    expect([tools.code, (tools.json.tools as unknown[]).length > 0]).toEqual([0, true]);
    expect((await meshwork(['whoami', '--json'])).json).toMatchObject({ server: url, by: 'login', client_id: 'program' });
  });

  it('is kept where only its owner can read it', async () => {
    const { loginByDevice, loginFile } = await world();
    expect((await loginByDevice()).code).toBe(0);
    const file = await loginFile();
    expect([(await stat(file)).mode & 0o777, (await stat(dirname(file))).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  it('ends with a clear word when they say no', async () => {
    const { loginByDevice, loginFile } = await world();
    const login = await loginByDevice([], 'no');
    expect([login.code, login.json.error]).toEqual([1, { code: 'OAUTH_REFUSED', message: expect.stringContaining('somebody said no') }]);
    await expect(loginFile()).rejects.toThrow();
  });
});

describe('a login that is renewed', () => {
  it('uses each refresh token once, and goes on with the one that came for it', async () => {
    const { meshwork, loginByDevice, readLogin, changeLogin } = await world();
    expect((await loginByDevice()).code).toBe(0);
    const first = await readLogin();
    await changeLogin({ expiresAt: Date.now() });
    expect((await meshwork(['tools'])).code).toBe(0);
    const second = await readLogin();
    expect([second.refreshToken === first.refreshToken, second.accessToken === first.accessToken]).toEqual([false, false]);
    await changeLogin({ expiresAt: Date.now() });
    expect((await meshwork(['tools'])).code).toBe(0);
    // One that was used already ends the whole login, at the server and in words.
    await changeLogin({ expiresAt: Date.now(), refreshToken: first.refreshToken ?? '' });
    const again = await meshwork(['tools', '--json']);
    expect([again.code, again.json.error]).toEqual([1, { code: 'LOGIN_EXPIRED', message: expect.stringContaining('meshwork login http://127.0.0.1:') }]);
  });

  it('is renewed once when eight commands find it expired together', async () => {
    const { meshwork, provider, loginByDevice, changeLogin } = await world();
    expect((await loginByDevice()).code).toBe(0);
    await changeLogin({ expiresAt: Date.now() });
    const asked = provider.asked.filter((path) => path === '/token').length;
    const all = await Promise.all(Array.from({ length: 8 }, () => meshwork(['tools', '--json'])));
    expect(all.map(({ code, err }) => [code, err])).toEqual(Array.from({ length: 8 }, () => [0, '']));
    expect(provider.asked.filter((path) => path === '/token').length - asked).toBe(1);
  });

  it('is there for a program in a process of its own', async () => {
    const { url, folder, loginByKey, changeLogin, readLogin } = await world();
    expect((await loginByKey()).code).toBe(0);
    const { accessToken } = await readLogin();
    await changeLogin({ expiresAt: Date.now() });
    const all = await Promise.all(Array.from({ length: 3 }, () => spawnRun(['tools', '--json'], { cwd: folder, env: { MESHWORK_SERVER: url } })));
    expect(all.map(({ code, err }) => [code, err])).toEqual(Array.from({ length: 3 }, () => [0, '']));
    expect((await readLogin()).accessToken).not.toBe(accessToken);
  }, 60_000);

  it('says what to do when it has expired and the authorization server is away, and works when it is back', async () => {
    const { provider, meshwork, loginByKey, changeLogin } = await world();
    expect((await loginByKey()).code).toBe(0);
    await changeLogin({ expiresAt: Date.now() });
    await provider.stop();
    const away = await meshwork(['tools', '--json']);
    expect([away.code, away.json.error]).toEqual([3, { code: 'UNREACHABLE', message: expect.stringContaining('the authorization server cannot be asked') }]);
    await provider.start();
    expect((await meshwork(['tools'])).code).toBe(0);
  });
});

describe('a login of a client for itself', () => {
  it('shows its key, and gets a token that is renewed by itself', async () => {
    const { meshwork, loginByKey, readLogin, changeLogin } = await world();
    const login = await loginByKey();
    expect([login.code, login.json]).toMatchObject([0, { client_id: 'worker', grant: 'client-credentials', renewable: true }]);
    const { accessToken } = await readLogin();
    expect((await meshwork(['tools'])).code).toBe(0);
    expect((await readLogin()).accessToken).toBe(accessToken);
    await changeLogin({ expiresAt: Date.now() });
    expect((await meshwork(['tools'])).code).toBe(0);
    expect((await readLogin()).accessToken).not.toBe(accessToken);
  });

  it('is renewed once more when the hub refuses a token that should be good', async () => {
    const { meshwork, loginByKey, readLogin, changeLogin } = await world();
    expect((await loginByKey()).code).toBe(0);
    const { accessToken } = await readLogin();
    await changeLogin({ accessToken: `${accessToken.slice(0, -8)}AAAAAAAA` });
    expect((await meshwork(['tools'])).code).toBe(0);
  });

  it('shows its secret from the environment, also later; or from standard input, once', async () => {
    const { provider, meshwork, readLogin, changeLogin } = await world();
    const as = ['login', '--client-id', 'tool', '--allow-private-host', '127.0.0.1', '--json'];
    const env = { TOOL_SECRET: provider.clientSecret };
    expect((await meshwork([...as, '--client-secret-env', 'TOOL_SECRET'])).json.error).toMatchObject({ code: 'NO_SECRET' });
    expect((await meshwork([...as, '--client-secret-env', 'TOOL_SECRET'], { env })).code).toBe(0);
    expect(JSON.stringify(await readLogin())).not.toContain(provider.clientSecret);
    await changeLogin({ expiresAt: Date.now() });
    expect((await meshwork(['tools', '--json'])).json.error?.message).toContain('TOOL_SECRET holds no secret');
    expect((await meshwork(['tools'], { env })).code).toBe(0);
    expect((await meshwork([...as, '--client-secret-stdin'], { input: 'wrong\n' })).json.error).toMatchObject({
      code: 'OAUTH_REFUSED',
      message: expect.stringContaining('does not know this client'),
    });
    expect((await meshwork([...as, '--client-secret-stdin'], { input: `${provider.clientSecret}\n` })).code).toBe(0);
    await changeLogin({ expiresAt: Date.now() });
    const later = await meshwork(['tools', '--json']);
    expect([later.code, later.json.error?.message]).toEqual([1, expect.stringContaining('log in again')]);
  });

  it('gets the scopes a call needs by itself, but for a login whose scopes were named', async () => {
    const { folder, meshwork, loginByKey, readLogin } = await world();
    const adminKey = (await readFile(join(folder, 'hub', 'admin.key'), 'utf8')).trim();
    expect((await meshwork(['agent', 'add', 'data_analyst', '--key', adminKey])).code).toBe(0);
    const ask = () => meshwork(['request-permission', '--agent', 'data_analyst', '--resource', 'SAP_API', '--justification', 'Q4', '--json']);
    expect((await loginByKey()).json.scope).toBe('mcp:read');
    expect((await ask()).code).toBe(0);
    expect((await readLogin()).scope).toBe('mcp:read mcp:write');
    expect((await loginByKey(['--scope', 'mcp:read'])).json.scope).toBe('mcp:read');
    const refused = await ask();
    expect([refused.code, refused.json.error]).toEqual([
      1,
      { code: 'DENIED', message: expect.stringMatching(/meshwork login http:\S+ --scope "mcp:read mcp:write"$/) },
    ]);
    expect((await readLogin()).scope).toBe('mcp:read');
  });

  it('is made again without saying everything again', async () => {
    const { url, meshwork, loginByKey } = await world();
    expect((await loginByKey()).code).toBe(0);
    const again = await meshwork(['login', url, '--scope', 'mcp:read mcp:write', '--json'], { env: { MESHWORK_SERVER: 'http://127.0.0.1:9/mcp' } });
    expect([again.code, again.json]).toMatchObject([0, { client_id: 'worker', scope: 'mcp:read mcp:write' }]);
  });

  it('is told from the key of the command line, which comes first, and from the admin key, which comes last', async () => {
    const { folder, meshwork, loginByKey } = await world();
    expect((await loginByKey()).code).toBe(0);
    expect((await meshwork(['tools', '--key', 'mk_wrong', '--json'])).json.error).toMatchObject({ code: 'UNAUTHENTICATED' });
    await writeFile(join(folder, '.meshwork', 'admin.key'), 'mk_wrong\n', { mode: 0o600 });
    expect((await meshwork(['whoami', '--json'])).json.by).toBe('login');
    expect((await meshwork(['tools'])).code).toBe(0);
    expect((await meshwork(['logout'])).code).toBe(0);
    expect((await meshwork(['whoami', '--json'])).json).toEqual({ server: expect.any(String), by: 'admin-key' });
  });
});

describe('a logout', () => {
  it('has the tokens revoked, and forgets them', async () => {
    const { url, provider, meshwork, loginByDevice, readLogin, loginFile } = await world();
    expect((await loginByDevice()).code).toBe(0);
    const { refreshToken = '' } = await readLogin();
    expect((await meshwork(['logout', '--json'])).json).toEqual({ resource: url, logged_out: true, revoked: true });
    await expect(loginFile()).rejects.toThrow('0 logins');
    const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'program', refresh_token: refreshToken, resource: url });
    expect((await fetch(`${provider.issuer}/token`, { method: 'POST', body })).status).toBe(400);
    const none = await meshwork(['logout', '--json']);
    expect([none.code, none.json.logged_out]).toEqual([1, false]);
  });

  it('forgets them also when the authorization server is away, and says that they are still good', async () => {
    const { provider, meshwork, loginByKey, loginFile } = await world();
    expect((await loginByKey()).code).toBe(0);
    await provider.stop();
    const ended = await meshwork(['logout', '--json']);
    expect([ended.code, ended.json]).toMatchObject([0, { logged_out: true, revoked: false, why: expect.stringContaining('cannot be asked') }]);
    await expect(loginFile()).rejects.toThrow('0 logins');
  });
});

describe('doctor', () => {
  it('says how the login stands', async () => {
    const { meshwork, loginByKey, changeLogin, readLogin } = await world();
    const login = async () => ((await meshwork(['doctor', '--json'])).json.findings as { check: string }[]).find(({ check }) => check === 'login');
    expect(await login()).toBeUndefined();
    expect((await loginByKey()).code).toBe(0);
    expect(await login()).toMatchObject({ state: 'ok', detail: expect.stringContaining('worker of http://127.0.0.1') });
    // Looking is no reason for wider scopes.
    expect((await readLogin()).scope).toBe('mcp:read');
    await changeLogin({ expiresAt: Date.now() });
    expect(await login()).toMatchObject({ state: 'warn', detail: expect.stringContaining('renewed by the next command') });
    await changeLogin({ expiresAt: Date.now(), grant: 'device' });
    expect(await login()).toMatchObject({ state: 'fail', detail: expect.stringMatching(/has expired.*meshwork login/) });
    await changeLogin({ issuer: 'https://other.example' });
    expect(await login()).toMatchObject({ state: 'fail', detail: expect.stringMatching(/no longer takes.*meshwork login/) });
    await changeLogin({ resource: 'https://other.example/mcp' });
    expect(await login()).toMatchObject({ state: 'fail', detail: expect.stringMatching(/is for https:\/\/other.example\/mcp and not for/) });
  });
});
