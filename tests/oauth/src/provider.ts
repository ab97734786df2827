import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { type ClientMetadata, Provider } from 'oidc-provider';

/** A real authorization server on this machine, which can be stopped, started again and given other keys. */
export interface AuthorizationServer extends AsyncDisposable {
  readonly issuer: string;
  /** The private key of the client `worker`. */
  readonly clientKey: JWK;
  /** The secret of the client `tool`. */
  readonly clientSecret: string;
  /** Paths it was asked for. */
  readonly asked: readonly string[];
  /** What it signs with now. */
  signingKey(): JWK;
  rotate(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Takes connections and requests from now on, and answers none, until it is started again. */
  hang(): void;
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
  const clientSecret = crypto.randomUUID();
  let keys = [await privateJwk('provider-1')];
  let generation = 1;
  let handler: Handler;
  let server: Server | undefined;
  let port = 0;
  let issuer = '';
  let isHanging = false;

  const start = async () => {
    const listening = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (isHanging) return;
      handler(request, response);
    });
    isHanging = false;
    await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve));
    server = listening;
    port = (listening.address() as AddressInfo).port;
    issuer = `http://127.0.0.1:${port}`;
    handler = handlerOf(configured(issuer, keys, [...clientsOf(publicPart(clientKey), clientSecret)]), resource);
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
    clientSecret,
    asked,
    signingKey: () => keys[0] as JWK,
    async rotate() {
      keys = [await privateJwk(`provider-${++generation}`)];
      handler = handlerOf(configured(issuer, keys, [...clientsOf(publicPart(clientKey), clientSecret)]), resource);
    },
    stop,
    start,
    hang() {
      isHanging = true;
    },
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

type Handler = ReturnType<Provider['callback']>;

/** A client for itself with a key, one with a secret, and a program that people use. */
function clientsOf(workerKey: JWK, secret: string): readonly ClientMetadata[] {
  const plain = { redirect_uris: [], response_types: [], id_token_signed_response_alg: 'EdDSA' as const };
  return [
    {
      ...plain,
      client_id: 'worker',
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'EdDSA',
      jwks: { keys: [workerKey as never] },
    },
    { ...plain, client_id: 'tool', grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_basic', client_secret: secret },
    { ...plain, client_id: 'program', grant_types: [DEVICE_CODE, 'refresh_token'], token_endpoint_auth_method: 'none', application_type: 'native' },
  ];
}

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const SCOPES = 'mcp:read mcp:write mcp:admin';

function configured(issuer: string, keys: readonly JWK[], clients: ClientMetadata[]): Provider {
  return new Provider(issuer, {
    jwks: { keys: keys as never },
    scopes: SCOPES.split(' '),
    clients,
    ttl: { ClientCredentials: 300, DeviceCode: 60 },
    findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_context, client, token) => token.clientId === client.clientId },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo(_context, asked) {
          return { audience: asked, scope: SCOPES, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'EdDSA' } } };
        },
      },
    },
  });
}

/** The provider, and the page it leaves to others, on which the person `ann` says who she is and yes to all. */
function handlerOf(provider: Provider, resource: string): Handler {
  const plain = provider.callback();
  return async (request, response) => {
    if (request.url?.startsWith('/interaction/') !== true) return plain(request, response);
    const { prompt, params } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') return provider.interactionFinished(request, response, { login: { accountId: 'ann' } });
    const grant = new provider.Grant({ accountId: 'ann', clientId: String(params.client_id) });
    const scope = String(params.scope ?? SCOPES);
    // Its scopes are those of the hub, and also its own.
    grant.addOIDCScope(scope);
    grant.addResourceScope(resource, scope);
    await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
  };
}
