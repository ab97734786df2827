import { createOAuthAuthenticator } from '@meshwork/guardian/oauth';
import { manualClock } from '@meshwork/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { arriving, bearing, claimsAt, FakeIssuer, ISSUER, prove, RESOURCE, type SigningKey, sign, signingKey, thumbprintOf } from './issuer.ts';

let issuerKey: SigningKey;
let key: SigningKey;
beforeAll(async () => {
  [issuerKey, key] = await Promise.all([signingKey('issuer'), signingKey('mine', 'ES256')]);
});

function world(options: { readonly clockToleranceMs?: number } = {}) {
  const clock = manualClock();
  const issuer = new FakeIssuer();
  issuer.keys = [issuerKey];
  const issuers = [{ issuer: ISSUER, algorithms: ['EdDSA'] as const }];
  const authenticator = createOAuthAuthenticator({ resource: RESOURCE, issuers, fetch: issuer.fetch, clock, ...options });
  const isOpen = (token: string, proof?: string) =>
    authenticator.authenticate(token, proof === undefined ? bearing(token) : arriving({ authorization: `DPoP ${token}`, dpop: proof })).then(
      (principal) => principal !== undefined,
      () => false,
    );
  return { clock, isOpen };
}

describe('T10: times that others have written', () => {
  it.each([
    [{}, 5],
    [{ clockToleranceMs: 0 }, 0],
    [{ clockToleranceMs: 30_000 }, 30],
  ])('may be off by the tolerance, %j, and by no second more', async (options, tolerance) => {
    const { clock, isOpen } = world(options);
    const now = Math.floor(clock.now() / 1_000);
    const off = async (claims: object) => isOpen(await sign(issuerKey, claimsAt(clock, { ...claims, jti: JSON.stringify(claims) })));
    expect(await off({ exp: now - tolerance + 1 })).toBe(true);
    expect(await off({ exp: now - tolerance })).toBe(false);
    for (const claim of ['iat', 'nbf']) {
      expect(await off({ [claim]: now + tolerance })).toBe(true);
      expect(await off({ [claim]: now + tolerance + 1 })).toBe(false);
    }
    const token = await sign(issuerKey, claimsAt(clock, { cnf: { jkt: await thumbprintOf(key) } }));
    expect(await isOpen(token, await prove(key, token, clock, { claims: { iat: now + tolerance } }))).toBe(true);
    expect(await isOpen(token, await prove(key, token, clock, { claims: { iat: now + tolerance + 1 } }))).toBe(false);
  });

  it('may be off by half a minute at most, whatever is configured', () => {
    for (const clockToleranceMs of [30_001, -1, 0.5, Number.NaN]) expect(() => world({ clockToleranceMs })).toThrow('0 to 30,000');
  });

  it('open nothing again that they had closed, when the clock is set back', async () => {
    const { clock, isOpen } = world();
    const [seen, unseen] = await Promise.all([sign(issuerKey, claimsAt(clock)), sign(issuerKey, claimsAt(clock, { jti: 'token-2' }))]);
    expect(await isOpen(seen)).toBe(true);
    clock.advance(305_000);
    expect(await isOpen(seen)).toBe(false);
    clock.jump(-305_000);
    expect(await isOpen(seen)).toBe(false);
    expect(await isOpen(unseen)).toBe(false);
  });

  it('open nothing to a proof that was used before, when the clock is set back', async () => {
    const { clock, isOpen } = world();
    const token = await sign(issuerKey, claimsAt(clock, { cnf: { jkt: await thumbprintOf(key) } }));
    const proof = await prove(key, token, clock);
    expect(await isOpen(token, proof)).toBe(true);
    clock.advance(66_000);
    expect(await isOpen(token, await prove(key, token, clock))).toBe(true);
    clock.jump(-66_000);
    expect(await isOpen(token, proof)).toBe(false);
  });

  it('are still early by the wall clock, when it was set back under them', async () => {
    const { clock, isOpen } = world();
    clock.advance(60_000);
    const token = await sign(issuerKey, claimsAt(clock));
    clock.jump(-60_000);
    expect(await isOpen(token)).toBe(false);
    clock.jump(60_000);
    expect(await isOpen(token)).toBe(true);
  });
});
