import { UnauthenticatedError } from '@meshwork/core';
import { createOAuthAuthenticator, type OAuthIssuer } from '@meshwork/guardian/oauth';
import { manualClock } from '@meshwork/testing';
import { exportSPKI, importJWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { arriving, bearing, claimsAt, FakeIssuer, ISSUER, RESOURCE, type SigningKey, sign, signingKey } from './issuer.ts';

let key: SigningKey;
let rsa: SigningKey;
let stranger: SigningKey;
beforeAll(async () => {
  [key, rsa, stranger] = await Promise.all([signingKey('key-1'), signingKey('rsa-1', 'RS256'), signingKey('key-1')]);
});

function world(changes: Partial<OAuthIssuer> = {}) {
  const clock = manualClock();
  const issuer = new FakeIssuer();
  issuer.keys = [key, rsa];
  const authenticator = createOAuthAuthenticator({
    resource: RESOURCE,
    issuers: [{ issuer: ISSUER, algorithms: ['EdDSA', 'RS256'], organisation: 'example', ...changes }],
    fetch: issuer.fetch,
    clock,
  });
  return { clock, issuer, authenticator, open: (token: string) => authenticator.authenticate(token, bearing(token)) };
}

/** What comes of a token: the principal's id, or that it is refused, one way or the other. */
async function outcome(opened: Promise<{ id: string } | undefined>): Promise<string> {
  try {
    return (await opened)?.id ?? 'refused';
  } catch (error) {
    expect(error).toBeInstanceOf(UnauthenticatedError);
    expect((error as UnauthenticatedError).challenge.parameters.error).toBe('invalid_token');
    return 'refused';
  }
}

describe('an access token', () => {
  it('opens the door for whom it stands, with its scopes and what is within them', async () => {
    const { clock, open } = world();
    const principal = await open(await sign(key, claimsAt(clock, { scope: 'mcp:write vm:use' })));
    expect(principal).toMatchObject({
      kind: 'agent',
      roles: [],
      zone: 'external',
      method: 'oauth',
      actsFor: [],
      organisation: 'example',
      credentialId: 'token-1',
      address: '203.0.113.9',
      scopes: ['mcp:write', 'vm:use', 'read', 'write'],
    });
    expect(principal?.id).toMatch(/^oauth-[0-9a-f]{40}$/);
  });

  it.each([
    ['mcp:read', ['mcp:read', 'read']],
    ['read', ['read']],
    ['write', ['write', 'read']],
    ['mcp:admin', ['mcp:admin', 'read', 'write', 'admin']],
    ['', []],
    [undefined, []],
    ['openid constructor __proto__', ['openid', 'constructor', '__proto__']],
  ])('with the scope %j may do %j', async (scope, scopes) => {
    const { clock, open } = world();
    expect((await open(await sign(key, claimsAt(clock, { scope }))))?.scopes).toEqual(scopes);
  });

  it('of another issuer or subject is somebody else, and one of the same is the same', async () => {
    const { clock, open } = world();
    const ids = await Promise.all(
      ['worker', 'worker', 'Worker', 'worker '].map(async (sub, at) => (await open(await sign(key, claimsAt(clock, { sub, jti: `t${at}` }))))?.id),
    );
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
  });

  it('stands for whom the configuration says, and never for an e-mail address or a name that is none', async () => {
    const principalOf: OAuthIssuer['principalOf'] = ({ sub, email }) => ({ worker: { id: 'data_analyst', owner: 'ops' }, odd: { id: String(email) } })[sub];
    const { clock, open } = world({ principalOf });
    expect(await open(await sign(key, claimsAt(clock)))).toMatchObject({ id: 'data_analyst', owner: 'ops' });
    expect(await outcome(open(await sign(key, claimsAt(clock, { sub: 'odd', email: 'Admin@example.org' }))))).toBe('refused');
    expect(await outcome(open(await sign(key, claimsAt(clock, { sub: 'nobody' }))))).toBe('refused');
  });

  it.each([
    ['another audience', { aud: 'https://other.example/mcp' }],
    ['the audience with a slash', { aud: `${RESOURCE}/` }],
    ['the audience in other case', { aud: 'https://HUB.example/mcp' }],
    ['several audiences', { aud: [RESOURCE, 'https://other.example'] }],
    ['an array of the one audience', { aud: [RESOURCE] }],
    ['no audience', { aud: undefined }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['the issuer with a slash', { iss: `${ISSUER}/` }],
    ['a number for issuer', { iss: 1 }],
    ['no issuer', { iss: undefined }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['no client', { client_id: undefined }],
    ['no id', { jti: undefined }],
    ['no time of issue', { iat: undefined }],
    ['no end', { exp: undefined }],
    ['an end in words', { exp: '9999999999' }],
    ['an end with a fraction', { exp: 9_999_999_999.5 }],
    ['an end beyond all numbers', { exp: 1e300 }],
    ['a scope that is a list', { scope: ['mcp:admin'] }],
    ['a confirmation that is nothing', { cnf: null }],
    ['a confirmation of another kind', { cnf: { kid: 'x' } }],
    ['an empty confirmation', { cnf: {} }],
  ])('T04, T06: with %s is refused', async (_, changes) => {
    const { clock, open } = world();
    expect(await outcome(open(await sign(key, claimsAt(clock, changes))))).toBe('refused');
  });

  it.each([
    ['JWT, as ID tokens have', { typ: 'JWT' }],
    ['none', { typ: undefined }],
    ['an identity assertion grant', { typ: 'oauth-id-jag+jwt' }],
    ['a session of this hub', { typ: 'session+jwt' }],
    ['a proof', { typ: 'dpop+jwt' }],
    ['upper case', { typ: 'AT+JWT' }],
  ])('T04: of another type (%s) is refused', async (_, header) => {
    const { clock, open } = world();
    expect(await outcome(open(await sign(key, claimsAt(clock), header)))).toBe('refused');
  });

  it('may spell its type with application/', async () => {
    const { clock, open } = world();
    expect(await outcome(open(await sign(key, claimsAt(clock), { typ: 'application/at+jwt' })))).not.toBe('refused');
  });

  it.each(['../../etc/passwd', "' OR 1=1 --", '__proto__', 'constructor', 'key-1 ', 'KEY-1', 'key-2', '', undefined])(
    'T03: with the key id %j is refused',
    async (kid) => {
      const { clock, open } = world();
      expect(await outcome(open(await sign(key, claimsAt(clock), { kid })))).toBe('refused');
    },
  );

  it('T03: is refused when its header points to a key or brings one', async () => {
    const { clock, issuer, open } = world();
    for (const header of [{ jku: 'https://evil.example/jwks' }, { x5u: 'https://evil.example/c' }, { jwk: stranger.jwk }, { x5c: ['MIIB'] }])
      expect(await outcome(open(await sign(stranger, claimsAt(clock), header)))).toBe('refused');
    expect(issuer.asked).toEqual([]);
  });

  it('is refused when another key signed it, or it was changed afterwards', async () => {
    const { clock, open } = world();
    expect(await outcome(open(await sign(stranger, claimsAt(clock))))).toBe('refused');
    const [header, , signature] = (await sign(key, claimsAt(clock))).split('.');
    const payload = Buffer.from(JSON.stringify(claimsAt(clock, { scope: 'mcp:admin' }))).toString('base64url');
    expect(await outcome(open(`${header}.${payload}.${signature}`))).toBe('refused');
  });

  it('T02: is refused unsigned, or signed with a public key taken for a secret', async () => {
    const { clock, open } = world();
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const alg of ['none', 'None', 'NONE', ''])
      for (const signature of ['', 'AA'])
        expect(await outcome(open(`${part({ alg, typ: 'at+jwt', kid: 'key-1' })}.${part(claimsAt(clock))}.${signature}`))).toBe('refused');
    const { createHmac } = await import('node:crypto');
    const secrets = [
      await exportSPKI((await importJWK({ ...rsa.jwk, ext: true }, 'RS256')) as never),
      JSON.stringify(rsa.jwk),
      String(rsa.jwk.n),
      Buffer.from(String(rsa.jwk.n), 'base64url'),
    ];
    for (const secret of secrets) {
      const input = `${part({ alg: 'HS256', typ: 'at+jwt', kid: 'rsa-1' })}.${part(claimsAt(clock))}`;
      expect(await outcome(open(`${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`))).toBe('refused');
    }
  });

  it('T02: is refused when it is signed in a way its issuer does not, though with a key of its', async () => {
    const { clock, open } = world({ algorithms: ['EdDSA'] });
    expect(await outcome(open(await sign(rsa, claimsAt(clock))))).toBe('refused');
    expect(await outcome(open(await sign(key, claimsAt(clock))))).not.toBe('refused');
    // The key says RS256: it signs nothing else, even where the issuer may.
    const { clock: time, open: ask } = world({ algorithms: ['PS256', 'RS256'] });
    const { importPKCS8, exportPKCS8 } = await import('jose');
    const asPss = { ...rsa, alg: 'PS256', privateKey: await importPKCS8(await exportPKCS8(rsa.privateKey), 'PS256') };
    expect(await outcome(ask(await sign(asPss, claimsAt(time))))).toBe('refused');
  });

  it('T05: has one spelling: every other is refused, before and after the right one was seen', async () => {
    const { clock, open } = world();
    const token = await sign(key, claimsAt(clock));
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const variants = [
      ...[...letters].map((letter) => token.slice(0, -1) + letter).filter((each) => each !== token),
      ...['=', '==', '\n', '%', '.', '.x'].map((tail) => token + tail),
      token.replace('.', '=.'),
      token.replace('.', '\n.'),
      token.replaceAll('-', '+').replaceAll('_', '/'),
      `${token.slice(0, -5)}\n${token.slice(-5)}`,
    ].filter((each) => each !== token);
    const refused = async () => {
      for (const variant of variants) expect(await outcome(open(variant)), JSON.stringify(variant.slice(-12))).toBe('refused');
    };
    await refused();
    expect(await outcome(open(token))).not.toBe('refused');
    await refused();
  });

  it('holds from five seconds before its beginning to five after its end, also once it is known', async () => {
    const { clock, open } = world();
    const now = Math.floor(clock.now() / 1_000);
    const token = await sign(key, claimsAt(clock, { iat: now + 5, nbf: now + 5, exp: now + 60 }));
    expect(await outcome(open(token))).not.toBe('refused');
    expect(await outcome(open(await sign(key, claimsAt(clock, { nbf: now + 6 }))))).toBe('refused');
    expect(await outcome(open(await sign(key, claimsAt(clock, { iat: now + 6 }))))).toBe('refused');
    clock.advance(64_999);
    expect(await outcome(open(token))).not.toBe('refused');
    clock.advance(1);
    await expect(open(token)).rejects.toThrow('the access token has expired; get a new one');
    expect(await outcome(open(await sign(key, claimsAt(clock, { exp: now + 60 }))))).toBe('refused');
  });

  it('counts in the Authorization header alone', async () => {
    const { clock, authenticator } = world();
    const token = await sign(key, claimsAt(clock));
    expect(await authenticator.authenticate(token, arriving({ 'x-api-key': token }))).toBeUndefined();
    expect(await authenticator.authenticate(token, arriving({ 'x-api-key': token, authorization: 'Bearer other' }))).toBeUndefined();
    expect(await authenticator.authenticate(token, arriving({ authorization: `bearer  ${token} ` }))).toBeDefined();
  });

  it('is no concern of this authenticator when it is not a token of its issuers', async () => {
    const { clock, issuer, open, authenticator } = world();
    for (const credential of [
      'mk_0123456789abcdef_secret',
      'a.b.c',
      '..',
      'x'.repeat(10_000),
      await sign(key, claimsAt(clock, { iss: 'https://other.example' })),
    ])
      expect(await open(credential)).toBeUndefined();
    expect(await authenticator.authenticate(undefined, arriving({}))).toBeUndefined();
    expect(issuer.asked).toEqual([]);
  });

  it('bound to a client certificate opens only with it', async () => {
    const { clock, authenticator } = world();
    const token = await sign(key, claimsAt(clock, { cnf: { 'x5t#S256': 'abc' } }));
    const using = (thumbprint: string) => outcome(authenticator.authenticate(token, bearing(token, { certificate: { names: [], thumbprint } })));
    expect(await using('abc')).not.toBe('refused');
    expect(await using('abd')).toBe('refused');
    expect(await outcome(authenticator.authenticate(token, bearing(token)))).toBe('refused');
  });
});

describe('an OAuth authenticator', () => {
  const make = (changes: object) => () =>
    createOAuthAuthenticator({ resource: RESOURCE, issuers: [{ issuer: ISSUER, algorithms: ['EdDSA'] }], fetch: new FakeIssuer().fetch, ...changes });
  it.each([
    ['a resource that is no URL', { resource: 'hub' }],
    ['an issuer that is no URL', { issuers: [{ issuer: 'idp', algorithms: ['EdDSA'] }] }],
    ['no algorithm', { issuers: [{ issuer: ISSUER, algorithms: [] }] }],
    ['a shared secret', { issuers: [{ issuer: ISSUER, algorithms: ['HS256'] }] }],
    ['none for an algorithm', { issuers: [{ issuer: ISSUER, algorithms: ['none'] }] }],
    ['one issuer twice', { issuers: [1, 2].map(() => ({ issuer: ISSUER, algorithms: ['EdDSA'] })) }],
    ['a shared secret for proofs', { dpopAlgorithms: ['HS256'] }],
  ])('is not made with %s', (_, changes) => {
    expect(make({})).not.toThrow();
    expect(make(changes)).toThrow(TypeError);
  });
});
