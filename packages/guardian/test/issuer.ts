import { createHash } from 'node:crypto';
import type { Connection, JsonObject } from '@meshwork/core';
import type { OutboundFetch } from '@meshwork/guardian/oauth';
import type { ManualClock } from '@meshwork/testing';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export const RESOURCE = 'https://hub.example/mcp';
export const ISSUER = 'https://idp.example';

export interface SigningKey {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function signingKey(kid: string, alg = 'EdDSA'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** An authorization server in memory, which can be away, and counts who asks. */
export class FakeIssuer {
  keys: SigningKey[] = [];
  /** What it publishes beside its keys. */
  metadata: JsonObject = { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` };
  asked: string[] = [];
  answer: 'as usual' | 'failing' | 'never' | 'nonsense' = 'as usual';

  readonly fetch: OutboundFetch = async (url) => {
    this.asked.push(url);
    if (this.answer === 'failing') throw new Error('connection refused');
    if (this.answer === 'never') return new Promise(() => {});
    if (this.answer === 'nonsense') return new Response('<html>');
    if (url === this.metadata.jwks_uri) return Response.json({ keys: this.keys.map(({ jwk }) => jwk) });
    if (url === `${ISSUER}/.well-known/oauth-authorization-server`) return Response.json(this.metadata);
    return new Response('not here', { status: 404 });
  };

  get keyRequests(): number {
    return this.asked.filter((url) => url === this.metadata.jwks_uri).length;
  }
}

/** The claims of a good token. */
export function claimsAt(clock: ManualClock, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(clock.now() / 1_000);
  return { iss: ISSUER, sub: 'worker', client_id: 'worker', aud: RESOURCE, jti: 'token-1', iat: now, exp: now + 300, scope: 'mcp:read', ...changes };
}

/** A token signed by a key; a claim or header set to `undefined` is left out. */
export function sign(key: SigningKey, claims: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header }).sign(key.privateKey);
}

/** A connection as an HTTP door makes it. */
export function arriving(
  headers: Record<string, string>,
  { method = 'POST', path = '/mcp', ...rest }: Partial<Connection> & { method?: string; path?: string } = {},
): Connection {
  return { via: 'http', encrypted: true, remoteAddress: '203.0.113.9', request: { method, path, header: (name) => headers[name] ?? null }, ...rest };
}

export const bearing = (token: string, rest: Partial<Connection> = {}) => arriving({ authorization: `Bearer ${token}` }, rest);

export const thumbprintOf = ({ jwk: { kid: _, alg: __, use: ___, ...jwk } }: SigningKey) => calculateJwkThumbprint(jwk);

/** A proof for a request (RFC 9449 section 4.2). */
export async function prove(
  key: SigningKey,
  token: string,
  clock: ManualClock,
  { claims = {}, header = {}, signedBy = key }: { claims?: Record<string, unknown>; header?: Record<string, unknown>; signedBy?: SigningKey } = {},
): Promise<string> {
  const { kid: _, alg: __, use: ___, ...jwk } = key.jwk;
  const ath = createHash('sha256').update(token).digest('base64url');
  const all = { jti: `proof-${Math.random()}`, htm: 'POST', htu: RESOURCE, iat: Math.floor(clock.now() / 1_000), ath, ...claims };
  return new SignJWT(all).setProtectedHeader({ alg: signedBy.alg, typ: 'dpop+jwt', jwk, ...header }).sign(signedBy.privateKey);
}
