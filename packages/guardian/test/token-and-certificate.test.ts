import type { Connection } from '@meshwork/core';
import { createOAuthAuthenticator } from '@meshwork/guardian/oauth';
import { describe, expect, it } from 'vitest';
import { world } from './hub-with-guardian.ts';
import { bearing, claimsAt, FakeIssuer, ISSUER, RESOURCE, sign, signingKey } from './issuer.ts';

/** A guardian that takes access tokens beside its own keys; the token is of `sub`, the connection has a certificate of `owner`. */
async function setUp() {
  const { guard, clock } = world({ certificateAgents: 'urn:meshwork:agent:' });
  for (const name of ['alice', 'bob']) await guard.agents.add({ name });
  const key = await signingKey('key-1');
  const issuer = new FakeIssuer();
  issuer.keys = [key];
  const tokens = createOAuthAuthenticator({
    resource: RESOURCE,
    issuers: [{ issuer: ISSUER, algorithms: ['EdDSA'], principalOf: ({ sub }) => ({ id: sub }) }],
    fetch: issuer.fetch,
    zoneOf: guard.zoneOf,
    clock,
  });
  const { authenticate } = guard.authenticatorWith(tokens);
  const certificateOf = (owner: string): Partial<Connection> => ({
    certificate: { names: [`URI:urn:meshwork:agent:${owner}`], thumbprint: 'thumb' },
    channelBinding: 'channel',
  });
  const open = async (sub: string, owner: string, changes: Record<string, unknown> = {}) => {
    const token = await sign(key, claimsAt(clock, { sub, ...changes }));
    return authenticate(token, bearing(token, certificateOf(owner)));
  };
  return { guard, authenticate, open, certificateOf };
}

const impersonation = { code: 'UNAUTHENTICATED', message: expect.stringContaining('impersonation') };

describe('T15: an access token of one agent on a connection with the certificate of another', () => {
  it('is refused as impersonation, as a key is', async () => {
    const { guard, authenticate, open, certificateOf } = await setUp();
    await expect(open('bob', 'alice')).rejects.toMatchObject(impersonation);
    // Bound to that very certificate it is still of somebody else.
    await expect(open('bob', 'alice', { cnf: { 'x5t#S256': 'thumb' } })).rejects.toMatchObject(impersonation);
    const { key } = await guard.agents.rotate('bob');
    await expect(authenticate(key, bearing(key, certificateOf('alice')))).rejects.toMatchObject(impersonation);
  });

  it('opens when both are of one agent, and the token is bound to that certificate or to none', async () => {
    const { open } = await setUp();
    expect(await open('alice', 'alice')).toMatchObject({ id: 'alice', method: 'oauth' });
    expect(await open('alice', 'alice', { cnf: { 'x5t#S256': 'thumb' } })).toMatchObject({ id: 'alice', method: 'oauth' });
    await expect(open('alice', 'alice', { cnf: { 'x5t#S256': 'another' } })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

describe('a principal', () => {
  it('carries what its TLS connection alone has, whatever it showed', async () => {
    const { guard, authenticate, open, certificateOf } = await setUp();
    expect(await open('alice', 'alice')).toMatchObject({ method: 'oauth', channelBinding: 'channel' });
    const connection: Connection = { via: 'http', encrypted: true, ...certificateOf('alice') };
    expect(await authenticate(undefined, connection)).toMatchObject({ method: 'certificate', channelBinding: 'channel' });
    expect(await authenticate((await guard.agents.rotate('alice')).key, connection)).toMatchObject({ method: 'api-key', channelBinding: 'channel' });
  });
});
