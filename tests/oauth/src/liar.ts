import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
}

/** A server that answers as it is told to, and keeps what it was asked. */
export interface Liar extends AsyncDisposable {
  readonly origin: string;
  readonly asked: readonly Asked[];
  /** By path. What is not here is answered 404. */
  readonly answers: Map<string, (asked: Asked) => Answer | Promise<Answer>>;
}

export async function startLiar(): Promise<Liar> {
  const asked: Asked[] = [];
  const answers: Liar['answers'] = new Map();
  const server = createServer(async (request, response) => {
    const one = { path: request.url ?? '', headers: request.headers, body: await text(request) };
    asked.push(one);
    const { status = 200, headers = {}, json } = (await answers.get(one.path.replace(/\?.*/, ''))?.(one)) ?? { status: 404 };
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(json === undefined ? '' : JSON.stringify(json));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const metadataPath = '/.well-known/oauth-authorization-server';

export interface LyingIssuer extends Liar {
  /** The metadata it has while nobody changes it. */
  readonly metadata: Record<string, unknown>;
  /** A token a hub takes. */
  sign(resource: string, scope: string): Promise<string>;
}

/** An authorization server that is honest until a test changes one of its answers. */
export async function startLyingIssuer(resource: string): Promise<LyingIssuer> {
  const liar = await startLiar();
  const { origin, answers } = liar;
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' };
  const metadata = {
    issuer: origin,
    jwks_uri: `${origin}/jwks`,
    token_endpoint: `${origin}/token`,
    device_authorization_endpoint: `${origin}/device`,
    revocation_endpoint: `${origin}/revoke`,
  };
  const sign = (aud: string, scope: string) =>
    new SignJWT({ client_id: 'worker', scope })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k1' })
      .setIssuer(origin)
      .setSubject('worker')
      .setAudience(aud)
      .setJti(crypto.randomUUID())
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
  answers.set(metadataPath, () => ({ json: metadata }));
  answers.set('/jwks', () => ({ json: { keys: [jwk] } }));
  answers.set('/token', async () => ({ json: { access_token: await sign(resource, 'mcp:read'), token_type: 'Bearer', expires_in: 300, scope: 'mcp:read' } }));
  answers.set('/revoke', () => ({}));
  return { ...liar, metadata, sign };
}

/** What a hub says of itself, on a server that lies. */
export function pretendHub({ answers, origin }: Liar, issuers: readonly string[], resource = `${origin}/mcp`): void {
  const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
  answers.set('/mcp', () => ({ status: 401, headers: { 'www-authenticate': `Bearer resource_metadata="${metadata}", scope="mcp:read"` } }));
  answers.set('/.well-known/oauth-protected-resource/mcp', () => ({ json: { resource, authorization_servers: issuers } }));
}
