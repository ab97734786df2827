import { createOAuthAuthenticator, type OutboundFetch } from '@meshwork/guardian/oauth';
import { manualClock } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';
import { bearing, claimsAt, RESOURCE, type SigningKey, sign, signingKey } from './issuer.ts';

const HONEST = 'https://honest.example';
const EVIL = 'https://evil.example';

/** A hub that trusts two issuers, whose keys have one id; `metadata` is what the evil one says of itself. */
async function twoIssuers(metadata: object = { issuer: EVIL, jwks_uri: `${EVIL}/jwks` }) {
  const clock = manualClock();
  const [honest, evil] = [await signingKey('key-1'), await signingKey('key-1')];
  const asked: string[] = [];
  const documents: Record<string, object> = {
    [`${HONEST}/.well-known/oauth-authorization-server`]: { issuer: HONEST, jwks_uri: `${HONEST}/jwks` },
    [`${HONEST}/jwks`]: { keys: [honest.jwk] },
    [`${EVIL}/.well-known/oauth-authorization-server`]: metadata,
    [`${EVIL}/jwks`]: { keys: [evil.jwk] },
  };
  const fetch: OutboundFetch = async (url) => {
    asked.push(url);
    return documents[url] === undefined ? new Response('', { status: 404 }) : Response.json(documents[url]);
  };
  const { authenticate } = createOAuthAuthenticator({
    resource: RESOURCE,
    issuers: [HONEST, EVIL].map((issuer) => ({ issuer, algorithms: ['EdDSA'] })),
    fetch,
    clock,
  });
  const open = async (iss: string, key: SigningKey, changes: object = {}) => {
    const token = await sign(key, claimsAt(clock, { iss, ...changes }));
    const opened = authenticate(token, bearing(token));
    return opened.then(
      (principal) => principal?.id,
      (error: { code?: unknown }) => error.code,
    );
  };
  return { honest, evil, asked, open };
}

describe('T29: of two issuers that a hub trusts', () => {
  it('neither can sign for the other, also under the same key id, whoever was asked first', async () => {
    for (const first of ['honest', 'evil'] as const) {
      const { honest, evil, open } = await twoIssuers();
      const warm = () => (first === 'honest' ? open(HONEST, honest) : open(EVIL, evil));
      expect(await warm()).toMatch(/^oauth-/);
      expect(await open(HONEST, evil)).toBe('UNAUTHENTICATED');
      expect(await open(EVIL, honest)).toBe('UNAUTHENTICATED');
    }
  });

  it('each has subjects of its own, however they are called', async () => {
    const { honest, evil, open } = await twoIssuers();
    const ids = [await open(HONEST, honest, { sub: 'admin' }), await open(EVIL, evil, { sub: 'admin' })];
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^oauth-/);
  });

  it('one that says it is the other has no keys here, and is not asked for them', async () => {
    const { evil, asked, open } = await twoIssuers({ issuer: HONEST, jwks_uri: `${EVIL}/jwks` });
    expect(await open(EVIL, evil)).toBe('UNAVAILABLE');
    expect(await open(HONEST, evil)).toBe('UNAUTHENTICATED');
    expect(asked).not.toContain(`${EVIL}/jwks`);
  });
});
