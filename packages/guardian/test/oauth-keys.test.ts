import { createOAuthAuthenticator } from '@meshwork/guardian/oauth';
import { manualClock } from '@meshwork/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { bearing, claimsAt, FakeIssuer, ISSUER, RESOURCE, type SigningKey, sign, signingKey } from './issuer.ts';

let first: SigningKey;
let second: SigningKey;
beforeAll(async () => {
  [first, second] = await Promise.all([signingKey('first'), signingKey('second')]);
});

const MINUTE = 60_000;

function world({ jwksUri, timeoutMs = 5_000 }: { jwksUri?: string; timeoutMs?: number } = {}) {
  const clock = manualClock();
  const issuer = new FakeIssuer();
  issuer.keys = [first];
  const issuers = [{ issuer: ISSUER, algorithms: ['EdDSA'] as const, ...(jwksUri !== undefined && { jwksUri }) }];
  const authenticator = createOAuthAuthenticator({ resource: RESOURCE, issuers, fetch: issuer.fetch, clock, timeoutMs });
  let tokens = 0;
  /** A new token each time, so that none is known already. */
  const open = async (key: SigningKey, header = {}) => {
    const token = await sign(key, claimsAt(clock, { jti: `token-${tokens++}` }), header);
    return authenticator.authenticate(token, bearing(token)).then(
      () => 'open',
      (error: { code: string }) => error.code,
    );
  };
  return { clock, issuer, authenticator, open };
}

describe('the keys of an issuer', () => {
  it('are found by its metadata and fetched once for many callers and ten minutes', async () => {
    const { clock, issuer, open } = world();
    expect(await Promise.all(Array.from({ length: 20 }, () => open(first)))).toEqual(Array.from({ length: 20 }, () => 'open'));
    clock.advance(10 * MINUTE - 1);
    expect(await open(first)).toBe('open');
    expect(issuer.asked).toEqual([`${ISSUER}/.well-known/oauth-authorization-server`, `${ISSUER}/jwks`]);
    clock.advance(1);
    expect(await open(first)).toBe('open');
    expect(issuer.keyRequests).toBe(2);
  });

  it('are fetched from where the configuration says, without metadata', async () => {
    const { issuer, open } = world({ jwksUri: `${ISSUER}/jwks` });
    expect(await open(first)).toBe('open');
    expect(issuer.asked).toEqual([`${ISSUER}/jwks`]);
  });

  it('may be described by OpenID Connect Discovery instead', async () => {
    const { fetch } = Object.assign(new FakeIssuer(), { keys: [first] });
    const asked: string[] = [];
    const clock = manualClock();
    const authenticator = createOAuthAuthenticator({
      resource: RESOURCE,
      issuers: [{ issuer: ISSUER, algorithms: ['EdDSA'] }],
      fetch: async (url, init) => {
        asked.push(url);
        if (url.endsWith('/oauth-authorization-server')) return new Response('', { status: 404 });
        return fetch(url.endsWith('/openid-configuration') ? `${ISSUER}/.well-known/oauth-authorization-server` : url, init);
      },
      clock,
    });
    const token = await sign(first, claimsAt(clock));
    expect(await authenticator.authenticate(token, bearing(token))).toBeDefined();
    expect(asked.map((url) => url.slice(ISSUER.length))).toEqual(['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration', '/jwks']);
  });

  it.each([
    ['another issuer', { issuer: 'https://other.example', jwks_uri: `${ISSUER}/jwks` }],
    ['the issuer with a slash', { issuer: `${ISSUER}/`, jwks_uri: `${ISSUER}/jwks` }],
    ['no issuer', { jwks_uri: `${ISSUER}/jwks` }],
    ['keys over http', { issuer: ISSUER, jwks_uri: 'http://idp.example/jwks' }],
    ['keys in a file', { issuer: ISSUER, jwks_uri: 'file:///etc/keys' }],
    ['no keys', { issuer: ISSUER }],
  ])('T29: are not taken from metadata with %s', async (_, metadata) => {
    const { issuer, open } = world();
    issuer.metadata = metadata;
    expect(await open(first)).toBe('UNAVAILABLE');
    expect(issuer.asked).toEqual([`${ISSUER}/.well-known/oauth-authorization-server`]);
  });

  it('T03: that are new are found when a token names one, which asks the issuer once in thirty seconds at most', async () => {
    const { clock, issuer, open } = world();
    expect(await open(first)).toBe('open');
    issuer.keys = [second];
    for (let at = 0; at < 50; at++) expect(await open(first, { kid: `made-up-${at}` })).toBe('UNAUTHENTICATED');
    expect(await open(second)).toBe('UNAUTHENTICATED');
    expect(issuer.keyRequests).toBe(1);
    clock.advance(30_000);
    expect(await Promise.all([open(second), open(second), open(first, { kid: 'made-up' })])).toEqual(['open', 'open', 'UNAUTHENTICATED']);
    expect(issuer.keyRequests).toBe(2);
    expect(await open(first)).toBe('UNAUTHENTICATED');
    for (let at = 0; at < 50; at++) await open(first, { kid: `made-up-${at}` });
    expect(issuer.keyRequests).toBe(2);
  });

  it('go on being used for an hour while the issuer is away; unknown ones fail clearly; all is well when it is back', async () => {
    const { clock, issuer, open } = world();
    expect(await open(first)).toBe('open');
    issuer.answer = 'failing';
    for (let minute = 10; minute < 60; minute += 10) {
      clock.advance(10 * MINUTE);
      expect(await open(first)).toBe('open');
      expect(await open(second)).toBe('UNAVAILABLE');
    }
    clock.advance(10 * MINUTE);
    expect(await open(first)).toBe('UNAVAILABLE');
    issuer.answer = 'as usual';
    issuer.keys = [first, second];
    clock.advance(5_000);
    expect(await open(first)).toBe('open');
    expect(await open(second)).toBe('open');
  });

  it('that are new are found five seconds after the issuer is back, and not only after thirty', async () => {
    const { clock, issuer, open } = world();
    expect(await open(first)).toBe('open');
    clock.advance(30_000);
    issuer.answer = 'failing';
    expect(await open(second)).toBe('UNAVAILABLE');
    issuer.answer = 'as usual';
    issuer.keys = [first, second];
    expect(await open(second)).toBe('UNAVAILABLE');
    clock.advance(5_000);
    expect(await open(second)).toBe('open');
  });

  it('that were never there are asked for at a bounded rate while the issuer is away', async () => {
    const { clock, issuer, open } = world({ jwksUri: `${ISSUER}/jwks` });
    issuer.answer = 'failing';
    for (let at = 0; at < 20; at++) expect(await open(first)).toBe('UNAVAILABLE');
    expect(issuer.keyRequests).toBe(1);
    clock.advance(5_000);
    issuer.answer = 'as usual';
    expect(await open(first)).toBe('open');
    expect(issuer.keyRequests).toBe(2);
  });

  it('that never come keep nobody waiting longer than agreed', async () => {
    const { issuer, open } = world({ timeoutMs: 20 });
    issuer.answer = 'never';
    expect(await Promise.all([open(first), open(first)])).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
    expect(issuer.asked.length).toBe(1);
  });

  it('that do not come any more keep callers waiting once, not each time', async () => {
    const { clock, issuer, open } = world({ timeoutMs: 20, jwksUri: `${ISSUER}/jwks` });
    expect(await open(first)).toBe('open');
    issuer.answer = 'never';
    clock.advance(10 * MINUTE);
    expect(await open(first)).toBe('open');
    expect(issuer.keyRequests).toBe(2);
    for (let at = 0; at < 10; at++) expect(await open(first)).toBe('open');
    expect(issuer.keyRequests).toBe(2);
    issuer.answer = 'as usual';
    clock.advance(5_000);
    expect(await open(first)).toBe('open');
    expect(issuer.keyRequests).toBe(3);
  });

  it('that are no keys are an issuer that is away', async () => {
    const { issuer, open } = world({ jwksUri: `${ISSUER}/jwks` });
    issuer.answer = 'nonsense';
    expect(await open(first)).toBe('UNAVAILABLE');
  });

  it('that are for encrypting, private secrets or twice there sign nothing', async () => {
    for (const keys of [
      [{ ...first, jwk: { ...first.jwk, use: 'enc' } }],
      [{ ...first, jwk: { ...first.jwk, key_ops: ['sign'] } }],
      [{ ...first, jwk: { kty: 'oct', k: 'c2VjcmV0', kid: 'first' } }],
      [{ ...first, jwk: { ...first.jwk, alg: 'ES256' } }],
      [{ ...first, jwk: { ...first.jwk, x: 'AAAA' } }],
      [first, { ...first, jwk: { ...second.jwk, kid: 'first' } }],
      [{ ...first, jwk: { ...second.jwk, kid: 'first' } }, first],
    ]) {
      const { issuer, open } = world();
      issuer.keys = keys;
      expect(await open(first)).toBe('UNAUTHENTICATED');
    }
  });

  it('that were withdrawn close the door on tokens that are known, after ten minutes', async () => {
    const { clock, issuer, authenticator } = world();
    const token = await sign(first, claimsAt(clock, { exp: Math.floor(clock.now() / 1_000) + 3_600 }));
    const open = () =>
      authenticator.authenticate(token, bearing(token)).then(
        () => 'open',
        (error: { code: string }) => error.code,
      );
    expect(await open()).toBe('open');
    issuer.keys = [second];
    clock.advance(10 * MINUTE - 1);
    expect(await open()).toBe('open');
    clock.advance(1);
    expect(await open()).toBe('UNAUTHENTICATED');
  });
});
