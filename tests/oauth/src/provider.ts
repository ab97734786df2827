import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';

/** A real authorization server on this machine, which can be stopped, started again and given other keys. */
export interface AuthorizationServer extends AsyncDisposable {
  readonly issuer: string;
  /** The private key of the client `worker`. */
  readonly clientKey: JWK;
  /** Paths it was asked for. */
  readonly asked: readonly string[];
  /** What it signs with now. */
  signingKey(): JWK;
  rotate(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** A token for the client `worker`. */
  token(scope: string, options?: { readonly headers?: Record<string, string> }): Promise<string>;
}

export async function privateJwk(kid: string, alg = 'EdDSA'): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg, use: 'sig' };
}

const publicPart = ({ d: _, ...jwk }: JWK): JWK => jwk;

/** Serves tokens for one resource: EdDSA JWTs after RFC 9068, for resource indicators (RFC 8707), bound by DPoP where that is asked for. */
export async function startProvider(resource: string): Promise<AuthorizationServer> {
  const asked: string[] = [];
  const clientKey = await privateJwk('client-1');
  let keys = [await privateJwk('provider-1')];
  let generation = 1;
  let handler: ReturnType<Provider['callback']>;
  let server: Server | undefined;
  let port = 0;
  let issuer = '';

  const start = async () => {
    const listening = createServer((request, response) => {
      asked.push(request.url ?? '');
      handler(request, response);
    });
    await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve));
    server = listening;
    port = (listening.address() as AddressInfo).port;
    issuer = `http://127.0.0.1:${port}`;
    handler = configured(issuer, keys, publicPart(clientKey)).callback();
  };
  const stop = async () => {
    const stopping = server;
    server = undefined;
    stopping?.closeAllConnections();
    await new Promise<void>((resolve) => (stopping === undefined ? resolve() : stopping.close(() => resolve())));
  };
  await start();

  return {
    get issuer() {
      return issuer;
    },
    clientKey,
    asked,
    signingKey: () => keys[0] as JWK,
    async rotate() {
      keys = [await privateJwk(`provider-${++generation}`)];
      handler = configured(issuer, keys, publicPart(clientKey)).callback();
    },
    stop,
    start,
    async token(scope, { headers = {} } = {}) {
      const key = await crypto.subtle.importKey('jwk', clientKey as JsonWebKey, 'Ed25519', false, ['sign']);
      const assertion = await new SignJWT({ jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'EdDSA' })
        .setIssuer('worker')
        .setSubject('worker')
        .setAudience(issuer)
        .setIssuedAt()
        .setExpirationTime('60s')
        .sign(key);
      const body = new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
        resource,
        scope,
      });
      const response = await fetch(`${issuer}/token`, { method: 'POST', body, headers });
      const answer = (await response.json()) as { access_token?: string };
      if (answer.access_token === undefined) throw new Error(`no token: ${JSON.stringify(answer)}`);
      return answer.access_token;
    },
    [Symbol.asyncDispose]: stop,
  };
}

function configured(issuer: string, keys: readonly JWK[], clientJwk: JWK): Provider {
  return new Provider(issuer, {
    jwks: { keys: keys as never },
    scopes: ['mcp:read', 'mcp:write', 'mcp:admin'],
    clients: [
      {
        client_id: 'worker',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'EdDSA',
        id_token_signed_response_alg: 'EdDSA',
        jwks: { keys: [clientJwk as never] },
      },
    ],
    ttl: { ClientCredentials: 300 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_context, asked) {
          return { audience: asked, scope: 'mcp:read mcp:write mcp:admin', accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'EdDSA' } } };
        },
      },
    },
  });
}
