import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../src/hub.ts';
import { type Answer, metadataPath, pretendHub, startLiar } from '../src/liar.ts';
import { allow, asClient, closeAll, home, opened, TOKEN, tokenRequests, worldOfLies } from '../src/world-of-lies.ts';

afterEach(closeAll);

describe('a login at an authorization server that lies', () => {
  it('is made when it does not (control)', async () => {
    const { login, issuer, url } = await worldOfLies();
    expect((await login()).code).toBe(0);
    expect(tokenRequests(issuer).map(({ body }) => new URLSearchParams(body).get('resource'))).toEqual([url]);
  });

  it.each([
    ['another issuer', () => 'https://other.example'],
    ['the same issuer in another spelling', (origin: string) => `${origin}/`],
  ])('sends nothing to one whose metadata is that of %s', async (_, name) => {
    const { login, logins, issuer } = await worldOfLies();
    issuer.answers.set(metadataPath, () => ({ json: { ...issuer.metadata, issuer: name(issuer.origin) } }));
    expect((await login()).json.error).toMatchObject({ code: 'WRONG_ISSUER' });
    expect([tokenRequests(issuer), await logins()]).toEqual([[], []]);
  });

  const idToken = (claims: object) => [{ alg: 'RS256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  it.each<[string, (issuer: string) => Record<string, unknown>, string]>([
    ['says it is of another issuer', () => ({ iss: 'https://other.example' }), 'WRONG_ISSUER'],
    [
      'comes with an ID token of another issuer',
      () => ({ id_token: `${idToken({ iss: 'https://other.example', aud: 'worker', sub: 'a', iat: 1, exp: 9_999_999_999 })}.AAAA` }),
      'WRONG_ISSUER',
    ],
    ['would end a header and begin another', () => ({ access_token: `${TOKEN}\r\nx-evil: 1` }), 'OAUTH_INVALID'],
    ['is of a type that was not asked for', () => ({ token_type: 'DPoP' }), 'OAUTH_INVALID'],
    ['is for another hub', () => ({ access_token: TOKEN }), 'UNAUTHENTICATED'],
  ])('does not keep a token that %s', async (_, changes, code) => {
    const { login, logins, issuer } = await worldOfLies();
    const honest = issuer.answers.get('/token');
    issuer.answers.set('/token', async (asked) => {
      const answer = await honest?.(asked);
      return { json: { ...(answer?.json as object), ...changes(issuer.origin) } };
    });
    const ran = await login();
    expect([ran.code, ran.json.error]).toEqual([1, { code, message: expect.any(String) }]);
    expect(ran.out + ran.err).not.toContain(TOKEN);
    expect((await logins()).filter((name) => name.endsWith('.json'))).toEqual([]);
  });

  it('says so when it has no page to enter a code on', async () => {
    const { login, issuer } = await worldOfLies();
    issuer.answers.set(metadataPath, () => ({ json: { ...issuer.metadata, device_authorization_endpoint: undefined } }));
    const ran = await login(['--client-id', 'worker', '--device']);
    expect([ran.code, ran.json.error]).toEqual([1, { code: 'NO_DEVICE_FLOW', message: expect.stringContaining('--private-key') }]);
  });

  it.each([
    ['a script for a page', { verification_uri: 'javascript:alert(1)' }],
    ['a page that anybody on the way can change', { verification_uri: 'http://idp.example/device' }],
    ['a page with a password in its address', { verification_uri: 'https://idp.example@evil.example/' }],
    ['a code that commands the terminal', { user_code: '\u001b]0;evil\u0007AB-CD' }],
    ['a code of two lines', { user_code: 'AB\nmeshwork: logged in' }],
  ])('shows nothing of %s', async (_, changes) => {
    const { login, issuer } = await worldOfLies();
    const started = { device_code: 'd', user_code: 'AB-CD', verification_uri: 'https://idp.example/device', expires_in: 60, interval: 1, ...changes };
    issuer.answers.set('/device', () => ({ json: started }));
    const ran = await login(['--client-id', 'worker', '--device']);
    expect([ran.code, ran.json.error?.code, ran.err]).toEqual([1, 'OAUTH_INVALID', '']);
    expect(tokenRequests(issuer)).toEqual([]);
  });

  it('repeats nothing of what it says when it refuses', async () => {
    const { login, issuer } = await worldOfLies();
    issuer.answers.set('/token', ({ headers }) => ({ status: 400, json: { error: 'invalid_scope', error_description: `\u001b[2J${headers.authorization}` } }));
    const ran = await login();
    expect([ran.code, ran.json.error?.code]).toEqual([1, 'OAUTH_REFUSED']);
    expect(ran.out).not.toMatch(/Basic|\\u001b/);
  });

  it.each([
    [metadataPath, 307],
    ['/token', 307],
    ['/token', 302],
    ['/jwks-is-not-asked', 307],
  ])('is not led elsewhere from %s (%i)', async (path, status) => {
    const { login, logins, issuer } = await worldOfLies();
    const elsewhere = opened(await startLiar());
    elsewhere.answers.set('/stolen', () => ({ json: issuer.metadata }));
    issuer.answers.set(path, () => ({ status, headers: { location: `${elsewhere.origin}/stolen` } }));
    const ran = await login();
    // The last path is never asked: with it, all else being equal, the login is made.
    const isControl = path === '/jwks-is-not-asked';
    expect([ran.code === 0, (await logins()).some((name) => name.endsWith('.json'))]).toEqual([isControl, isControl]);
    expect(elsewhere.asked).toEqual([]);
  });
});

describe('scopes that are asked for again and again', () => {
  it('are asked for once more, and no more', async () => {
    const { login, meshwork, url, issuer } = await worldOfLies();
    // It says that it gave what was asked for, and never does.
    issuer.answers.set('/token', async ({ body }): Promise<Answer> => {
      const scope = new URLSearchParams(body).get('scope') ?? '';
      return { json: { access_token: await issuer.sign(url, 'mcp:read'), token_type: 'Bearer', expires_in: 300, scope } };
    });
    expect((await login()).code).toBe(0);
    const ran = await meshwork(['request-permission', '--agent', 'data_analyst', '--resource', 'SAP_API', '--justification', 'Q4', '--server', url]);
    expect([ran.code, ran.json.error?.code]).toEqual([1, 'DENIED']);
    expect(tokenRequests(issuer).map(({ body }) => new URLSearchParams(body).get('scope'))).toEqual(['mcp:read', 'mcp:read mcp:write']);
  });
});

describe('a login that cannot be', () => {
  it('without a terminal, where nobody would see the code, is said to be none; at one it is shown', async () => {
    const { meshwork, url, issuer } = await worldOfLies();
    issuer.answers.set('/device', () => ({
      json: { device_code: 'd', user_code: 'AB-CD', verification_uri: 'https://idp.example/device', expires_in: 60, interval: 1 },
    }));
    issuer.answers.set('/token', () => ({ status: 400, json: { error: 'access_denied' } }));
    const args = ['login', url, ...allow, '--client-id', 'worker'];
    const blind = await meshwork(args);
    expect([blind.code, blind.err, blind.json.error?.message]).toEqual([2, '', expect.stringContaining('--device')]);
    const seen = await meshwork(args, { isTerminal: true });
    expect([seen.code, seen.err]).toEqual([1, expect.stringContaining('Open https://idp.example/device in a browser, and enter the code AB-CD')]);
  });

  it('names the authorization servers there are', async () => {
    const { meshwork } = await home();
    const liar = opened(await startLiar());
    const login = (...args: string[]) => meshwork(['login', `${liar.origin}/mcp`, ...asClient, ...args]);
    expect((await login()).json.error).toMatchObject({ code: 'NO_OAUTH', message: expect.stringContaining('MESHWORK_KEY') });
    pretendHub(liar, ['https://a.example', 'https://b.example']);
    expect(await login()).toMatchObject({
      code: 2,
      json: { error: { message: expect.stringMatching(/--issuer: "https:\/\/a.example", "https:\/\/b.example"$/) } },
    });
    expect(await login('--issuer', 'https://c.example')).toMatchObject({
      code: 2,
      json: { error: { message: expect.stringContaining('"https://a.example"') } },
    });
  });

  it('does not come from a hub that does not answer', async () => {
    const { meshwork } = await home();
    const port = await freePort();
    const ran = await meshwork(['login', `127.0.0.1:${port}`, ...asClient]);
    expect([ran.code, ran.json.error]).toEqual([3, { code: 'UNREACHABLE', message: expect.stringContaining(`nothing listens at 127.0.0.1:${port}`) }]);
  });
});
