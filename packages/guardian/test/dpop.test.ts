import { ConflictError, type Connection, createMemoryStore, type KeyValueStore, UnauthenticatedError, UnavailableError } from '@meshwork/core';
import { createOAuthAuthenticator } from '@meshwork/guardian/oauth';
import { type ManualClock, manualClock } from '@meshwork/testing';
import { SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { arriving, bearing, claimsAt, FakeIssuer, ISSUER, prove, RESOURCE, type SigningKey, sign, signingKey, thumbprintOf } from './issuer.ts';

let issuerKey: SigningKey;
let key: SigningKey;
let other: SigningKey;
let rsa: SigningKey;
beforeAll(async () => {
  [issuerKey, key, other, rsa] = await Promise.all([
    signingKey('issuer'),
    signingKey('mine', 'ES256'),
    signingKey('other', 'ES256'),
    signingKey('rsa', 'RS256'),
  ]);
});

async function world({ dpopNonce = false, clock = manualClock(), store }: { dpopNonce?: boolean; clock?: ManualClock; store?: KeyValueStore } = {}) {
  const issuer = new FakeIssuer();
  issuer.keys = [issuerKey];
  const issuers = [{ issuer: ISSUER, algorithms: ['EdDSA'] as const }];
  const authenticator = createOAuthAuthenticator({ resource: RESOURCE, issuers, fetch: issuer.fetch, clock, dpopNonce, ...(store && { store }) });
  const token = await sign(issuerKey, claimsAt(clock, { cnf: { jkt: await thumbprintOf(key) } }));
  const show = (connection: Connection) =>
    authenticator.authenticate(token, connection).then(
      (principal) => principal?.id ?? 'refused',
      (error: UnauthenticatedError) => {
        expect(error).toBeInstanceOf(UnauthenticatedError);
        return error.challenge;
      },
    );
  const withProof = (proof: string, rest = {}) => arriving({ authorization: `DPoP ${token}`, dpop: proof }, rest);
  return { clock, authenticator, token, show, withProof, send: (proof: string, rest = {}) => show(withProof(proof, rest)) };
}

const opened = expect.stringMatching(/^oauth-/);
const badProof = { scheme: 'DPoP', parameters: { error: 'invalid_dpop_proof', algs: 'EdDSA Ed25519 ES256' } };
const badToken = { scheme: 'Bearer', parameters: { error: 'invalid_token' } };

const reasons: Readonly<Record<string, string>> = {
  1: 'is not a JWT',
  2: 'is not a JWT',
  3: 'needs the claims',
  4: 'of the type dpop+jwt',
  5: 'must be signed with one of',
  6: 'is not signed with the key it holds',
  7: 'must hold the public key',
  8: 'is for another method',
  9: 'is for another URL',
  11: 'is too old or from the future',
  12: 'another',
};

describe('T09: a token that is bound to a key', () => {
  it('opens with a proof of the key', async () => {
    const { clock, token, send } = await world();
    expect(await send(await prove(key, token, clock))).toEqual(opened);
  });

  it('T08: gives a principal that has proved that key, and not the certificate of the connection', async () => {
    const { clock, token, authenticator, withProof } = await world();
    const certificate = { names: [], thumbprint: 'thumb' };
    const principal = await authenticator.authenticate(token, withProof(await prove(key, token, clock), { certificate }));
    expect(principal?.proven).toEqual([`jkt:${await thumbprintOf(key)}`]);
    const boundToCertificate = await sign(issuerKey, claimsAt(clock, { jti: 'token-2', cnf: { 'x5t#S256': 'thumb' } }));
    expect((await authenticator.authenticate(boundToCertificate, bearing(boundToCertificate, { certificate })))?.proven).toEqual(['x5t#S256:thumb']);
    const unbound = await sign(issuerKey, claimsAt(clock, { jti: 'token-3' }));
    expect(await authenticator.authenticate(unbound, bearing(unbound, { certificate }))).not.toHaveProperty('proven');
  });

  it('opens nothing as a plain bearer token, with or without a proof', async () => {
    const { clock, token, show } = await world();
    expect(await show(bearing(token))).toMatchObject(badToken);
    expect(await show(arriving({ authorization: `Bearer ${token}`, dpop: await prove(key, token, clock) }))).toMatchObject(badToken);
    expect(await show({ via: 'http', encrypted: true })).toMatchObject(badToken);
  });

  it('opens nothing without a proof, and a token that is not bound may not be shown as one that is', async () => {
    const { clock, authenticator, token, show } = await world();
    expect(await show(arriving({ authorization: `DPoP ${token}` }))).toMatchObject(badProof);
    const free = await sign(issuerKey, claimsAt(clock));
    const sent = arriving({ authorization: `DPoP ${free}`, dpop: await prove(key, free, clock) });
    await expect(authenticator.authenticate(free, sent)).rejects.toMatchObject({ challenge: badToken });
  });

  it('opens for no proof that fails one of the twelve checks', async () => {
    const { clock, token, send } = await world();
    const proof = await prove(key, token, clock);
    const now = Math.floor(clock.now() / 1_000);
    const claims = (changes: Record<string, unknown>) => prove(key, token, clock, { claims: changes });
    const header = (changes: Record<string, unknown>) => prove(key, token, clock, { header: changes });
    const { kid: _, alg: __, use: ___, ...jwk } = key.jwk;
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const body = { jti: 'x', htm: 'POST', htu: RESOURCE, iat: now, ath: 'x' };
    const cases: Record<string, string> = {
      '1: two of them': `${proof}, ${await prove(key, token, clock)}`,
      '2: not a JWT': 'proof',
      '2: not canonical': `${proof}=`,
      '2: with a line break': `${proof}\n`,
      ...Object.fromEntries(
        await Promise.all(['jti', 'htm', 'htu', 'iat', 'ath'].map(async (name) => [`3: without ${name}`, await claims({ [name]: undefined })] as const)),
      ),
      '3: an empty jti': await claims({ jti: '' }),
      '3: a time in words': await claims({ iat: String(now) }),
      '3: a time with a fraction': await claims({ iat: now + 0.5 }),
      '4: another type': await header({ typ: 'JWT' }),
      '4: no type': await header({ typ: undefined }),
      '4: an access token': await header({ typ: 'at+jwt' }),
      '5: an algorithm the hub does not take': await prove(rsa, token, clock),
      '2: unsigned': `${part({ alg: 'none', typ: 'dpop+jwt', jwk })}.${part(body)}.`,
      '5: a shared secret': await new SignJWT(body)
        .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk: { kty: 'oct', k: Buffer.from('x'.repeat(32)).toString('base64url') } as never })
        .sign(Buffer.from('x'.repeat(32))),
      '6: signed by another key': await prove(key, token, clock, { signedBy: other }),
      '6: changed': `${proof.split('.')[0]}.${part({ ...body, jti: 'new' })}.${proof.split('.')[2]}`,
      '7: with its private key': await header({ jwk: { ...jwk, d: 'AAAA' } }),
      '7: without a key': await header({ jwk: undefined }),
      '2: with a key elsewhere': await header({ jwk: undefined, jku: 'https://evil.example/' }),
      '8: another method': await claims({ htm: 'GET' }),
      '8: the method in other case': await claims({ htm: 'post' }),
      '9: another host': await claims({ htu: 'https://other.example/mcp' }),
      '9: another path': await claims({ htu: 'https://hub.example/api/tools' }),
      '9: no encryption': await claims({ htu: 'http://hub.example/mcp' }),
      '9: another port': await claims({ htu: 'https://hub.example:8443/mcp' }),
      '9: not a URL': await claims({ htu: '/mcp' }),
      '11: too old': await claims({ iat: now - 61 }),
      '11: from the future': await claims({ iat: now + 6 }),
      '12: for another token': await claims({ ath: Buffer.alloc(32).toString('base64url') }),
      '12: with another key': await prove(other, token, clock),
    };
    for (const [name, each] of Object.entries(cases)) {
      const answer = await send(each);
      expect(answer, name).toMatchObject(badProof);
      // What is wrong is said, and it is what the case is about: no case fails for the reason of another.
      expect(JSON.stringify(answer), name).toContain(String(reasons[name.split(':')[0] ?? '']));
    }
    expect(await send(proof)).toEqual(opened);
  });

  it('does not mind query, fragment, case of the host and default port in the URL of a proof', async () => {
    const { clock, token, send } = await world();
    for (const htu of [`${RESOURCE}?a=b`, `${RESOURCE}#x`, 'https://HUB.example/mcp', 'https://hub.example:443/mcp'])
      expect(await send(await prove(key, token, clock, { claims: { htu } }))).toEqual(opened);
    const elsewhere = { path: '/api/tools', method: 'GET' };
    expect(await send(await prove(key, token, clock, { claims: { htm: 'GET', htu: 'https://hub.example/api/tools' } }), elsewhere)).toEqual(opened);
  });

  it('opens once with each proof, for as long as the proof is fresh', async () => {
    const { clock, token, send } = await world();
    const now = Math.floor(clock.now() / 1_000);
    const proof = await prove(key, token, clock, { claims: { iat: now + 5 } });
    const answers = await Promise.all([send(proof), send(proof), send(proof)]);
    expect(answers.filter((answer) => typeof answer === 'string').length).toBe(1);
    expect(JSON.stringify(answers)).toContain('has been used before');
    clock.advance(65_000);
    expect(await send(proof)).toMatchObject(badProof);
    clock.advance(1_000);
    expect(await send(proof)).toMatchObject(badProof);
  });

  it('may be looked at again with the request it came with: that is no replay, and ends with the token', async () => {
    const { clock, token, show, withProof } = await world();
    const request = withProof(await prove(key, token, clock));
    expect(await show(request)).toEqual(opened);
    clock.advance(250_000);
    // The door makes a new connection record each time it looks; the request in it is the same.
    expect(await show({ ...request })).toEqual(opened);
    clock.advance(60_000);
    expect(await show({ ...request })).toMatchObject(badToken);
  });

  it('leaves a proof usable that somebody else showed without the right to', async () => {
    const { clock, token, send } = await world();
    const proof = await prove(key, token, clock);
    expect(await send(proof, { path: '/elsewhere' })).toMatchObject(badProof);
    expect(await send(proof)).toEqual(opened);
  });
});

describe('T09: a hub that wants its nonce in proofs', () => {
  it('gives one with its refusal, takes it and the one before, and nobody else’s', async () => {
    const { clock, token, send } = await world({ dpopNonce: true });
    const ask = async (claims: Record<string, unknown>) =>
      send(await prove(key, token, clock, { claims: { iat: Math.floor(clock.now() / 1_000), ...claims } }));
    const refusal = (await ask({})) as UnauthenticatedError['challenge'];
    expect(refusal).toMatchObject({ scheme: 'DPoP', parameters: { error: 'use_dpop_nonce' } });
    const nonce = refusal.headers?.['dpop-nonce'] ?? '';
    expect(nonce).toMatch(/^[\w-]{22}$/);
    expect(await ask({ nonce })).toEqual(opened);
    expect(await ask({ nonce: 'made-up' })).toMatchObject({ parameters: { error: 'use_dpop_nonce' } });
    clock.advance(120_000);
    expect(await ask({ nonce })).toEqual(opened);
    clock.advance(120_000);
    expect(await ask({ nonce })).toMatchObject({ parameters: { error: 'use_dpop_nonce' } });
    const next = ((await ask({})) as UnauthenticatedError['challenge']).headers?.['dpop-nonce'];
    expect(next).not.toBe(nonce);
  });
});

describe('a proof that was shown to one hub', () => {
  const shared = async () => {
    const clock = manualClock();
    const store = createMemoryStore({ clock });
    return { clock, store, here: await world({ clock, store }), there: await world({ clock, store }) };
  };

  it('is a replay at every other hub of the store, and after a restart', async () => {
    const { clock, store, here, there } = await shared();
    const proof = await prove(key, here.token, clock);
    expect(await here.send(proof)).toEqual(opened);
    expect(await there.send(proof)).toMatchObject(badProof);
    expect(await (await world({ clock, store })).send(proof)).toMatchObject(badProof);
    expect(await there.send(await prove(key, there.token, clock))).toEqual(opened);
  });

  it('opens one of two hubs that are shown it at once', async () => {
    const { clock, here, there } = await shared();
    for (let turn = 0; turn < 20; turn++) {
      const proof = await prove(key, here.token, clock);
      const answers = await Promise.all([here.send(proof), there.send(proof), here.send(proof), there.send(proof)]);
      expect(answers.filter((answer) => typeof answer === 'string')).toHaveLength(1);
    }
  });

  it('is remembered for as long as a hub whose clock is behind would take it, and not for longer', async () => {
    const { clock, store, here } = await shared();
    await here.send(await prove(key, here.token, clock));
    const kept = async () => {
      const keys: string[] = [];
      for await (const { key: name } of store.list('guardian/dpop/')) keys.push(name);
      return keys.length;
    };
    clock.advance(74_999);
    expect(await kept()).toBe(1);
    clock.advance(1);
    expect(await kept()).toBe(0);
  });

  it('is refused by the hub that has seen it without asking the store', async () => {
    const { clock, store } = await shared();
    let puts = 0;
    const counting = Object.create(store, {
      put: {
        value: (...args: Parameters<KeyValueStore['put']>) => {
          puts += 1;
          return store.put(...args);
        },
      },
    });
    const hub = await world({ clock, store: counting });
    const proof = await prove(key, hub.token, clock);
    expect(await hub.send(proof)).toEqual(opened);
    expect(await hub.send(proof)).toMatchObject(badProof);
    expect(puts).toBe(1);
  });

  it('opens nothing while the store cannot say whether it was shown', async () => {
    const clock = manualClock();
    const away = Object.create(createMemoryStore({ clock }), { put: { value: () => Promise.reject(new UnavailableError('the store is away')) } });
    const { authenticator, token, withProof } = await world({ clock, store: away });
    const refused = authenticator.authenticate(token, withProof(await prove(key, token, clock)));
    await expect(refused).rejects.toThrow(UnavailableError);
    await expect(refused).rejects.not.toThrow(ConflictError);
  });
});
