import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { RESOURCE } from './resource.ts';

/** An issuer of access tokens with its keys on a port of this machine, where hubs fetch them. */
export interface TokenIssuer extends AsyncDisposable {
  readonly issuer: string;
  /** An access token (RFC 9068) of the agent, good from `now` for five minutes; `jkt` binds it to a key. */
  tokenOf(agent: string, now: number, options?: { readonly audience?: string; readonly jkt?: string }): Promise<string>;
}

export async function startTokenIssuer(): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'EdDSA', use: 'sig' }];
  const server = createServer((request, response) => {
    const documents: Record<string, object> = {
      '/.well-known/oauth-authorization-server': { issuer, jwks_uri: `${issuer}/jwks` },
      '/jwks': { keys },
    };
    const document = documents[request.url ?? ''];
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(document ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    tokenOf: (agent, now, { audience = RESOURCE, jkt } = {}) =>
      new SignJWT({ client_id: agent, scope: 'mcp:admin', ...(jkt !== undefined && { cnf: { jkt } }) })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'key-1' })
        .setIssuer(issuer)
        .setSubject(agent)
        .setAudience(audience)
        .setJti(crypto.randomUUID())
        .setIssuedAt(Math.floor(now / 1_000))
        .setExpirationTime(Math.floor(now / 1_000) + 300)
        .sign(privateKey),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A key that access tokens can be bound to, and proofs that its holder sends a request (RFC 9449 section 4.2). */
export interface SenderKey {
  readonly jkt: string;
  prove(request: { readonly method: string; readonly path: string; readonly token: string; readonly now: number }): Promise<string>;
}

export async function createSenderKey(): Promise<SenderKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  return {
    jkt: await calculateJwkThumbprint(jwk),
    async prove({ method, path, token, now }) {
      const ath = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(token))).toString('base64url');
      return new SignJWT({ htm: method, htu: new URL(path, RESOURCE).href, ath, jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .setIssuedAt(Math.floor(now / 1_000))
        .sign(privateKey);
    },
  };
}
