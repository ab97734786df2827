import { json, type PlainRequest, type PlainResponse } from './plain-http.ts';
import { asRefusal } from './refusals.ts';

/** What a hub says of itself to OAuth clients (RFC 9728). */
export interface ProtectedResourceOptions {
  /** The hub's URL as tokens are made for it: `https://hub.example/mcp`. */
  readonly resource: string;
  /** The issuers whose tokens it takes, at least one. */
  readonly authorizationServers: readonly string[];
  /** Default `mcp:read`, `mcp:write` and `mcp:admin`. */
  readonly scopesSupported?: readonly string[];
  /** The scopes a client without a token is told to ask for first; a call that needs more says so. Default `mcp:read`, where it is supported. */
  readonly firstScopes?: readonly string[];
  /** What DPoP proofs may be signed with, as the authenticator has it. */
  readonly dpopAlgorithms?: readonly string[];
}

/** The metadata of a protected resource, and what challenges say of it. */
export interface ProtectedResource {
  /** Parameters of every 401. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Where the metadata is. */
  readonly metadataUrl: string;
  /** The metadata, for everybody; `undefined` when the request is for something else. */
  answer(request: PlainRequest): PlainResponse | undefined;
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** @throws {TypeError} when the resource is not a URL without query and fragment, or has no authorization server. */
export function createProtectedResource(options: ProtectedResourceOptions, path: string): ProtectedResource {
  const { resource, authorizationServers, scopesSupported = ['mcp:read', 'mcp:write', 'mcp:admin'], dpopAlgorithms } = options;
  const { firstScopes = scopesSupported.filter((scope) => scope === 'mcp:read') } = options;
  const url = URL.canParse(resource) ? new URL(resource) : undefined;
  if (url === undefined || url.search !== '' || url.hash !== '')
    throw new TypeError(`the resource ${JSON.stringify(resource)} must be a URL without a query and a fragment, as in https://hub.example/mcp`);
  if (authorizationServers.length === 0) throw new TypeError('a protected resource needs at least one authorization server');
  const ownPath = url.pathname === '/' ? '' : url.pathname;
  const metadataUrl = `${url.origin}${WELL_KNOWN}${ownPath}`;
  const paths = new Set([WELL_KNOWN, WELL_KNOWN + ownPath, WELL_KNOWN + path]);
  const document = {
    resource,
    authorization_servers: authorizationServers,
    scopes_supported: scopesSupported,
    bearer_methods_supported: ['header'],
    ...(dpopAlgorithms !== undefined && { dpop_signing_alg_values_supported: dpopAlgorithms }),
  };
  const open = { 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=3600' };

  return {
    metadataUrl,
    parameters: { resource_metadata: metadataUrl, ...(firstScopes.length > 0 && { scope: firstScopes.join(' ') }) },
    answer({ method, path: asked }) {
      if (!paths.has(asked)) return undefined;
      if (method === 'GET' || method === 'HEAD') return json(document, 200, open);
      const allow = 'GET, HEAD, OPTIONS';
      if (method !== 'OPTIONS') return asRefusal(json({ error: 'method not allowed' }, 405, { allow }), `there is ${allow} here`);
      return { status: 204, headers: { ...open, allow, 'access-control-allow-methods': allow, 'access-control-allow-headers': '*' }, body: '' };
    },
  };
}
