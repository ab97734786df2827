import {
  auth,
  computeScopeUnion,
  type DpopSession,
  extractWWWAuthenticateParams,
  type FetchLike,
  isStrictScopeSuperset,
  type OAuthClientInformationMixed,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
  UnauthorizedError,
  withDpopFromProvider,
} from '@modelcontextprotocol/client';

const CALLBACK = 'http://localhost:3000/callback';

export interface OAuthUserOptions {
  readonly metadataUrl?: string;
  readonly registered?: { readonly client_id: string; readonly client_secret: string };
  readonly dpop?: DpopSession;
}

/** Somebody who approves every authorization at once, and a memory for what comes of it. */
export class OAuthUser implements OAuthClientProvider {
  readonly redirectUrl = CALLBACK;
  readonly clientMetadata: OAuthClientProvider['clientMetadata'];
  readonly clientMetadataUrl?: string;
  /** Present where its tokens are to be bound to a key (RFC 9449). */
  readonly dpop?: () => DpopSession;
  #client: OAuthClientInformationMixed | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = '';
  #discovery: OAuthDiscoveryState | undefined;
  /** What the authorization server sent back to the callback. */
  callback: { readonly code: string; readonly iss: string | undefined } | undefined;

  constructor(name: string, options: OAuthUserOptions) {
    this.clientMetadata = { client_name: name, redirect_uris: [CALLBACK] };
    const { dpop } = options;
    if (dpop !== undefined) this.dpop = () => dpop;
    if (options.metadataUrl !== undefined) this.clientMetadataUrl = options.metadataUrl;
    if (options.registered !== undefined) this.#client = { ...options.registered, redirect_uris: [CALLBACK] };
  }

  clientInformation() {
    return this.#client;
  }
  saveClientInformation(information: OAuthClientInformationMixed) {
    this.#client = information;
  }
  tokens() {
    return this.#tokens;
  }
  saveTokens(tokens: OAuthTokens) {
    this.#tokens = tokens;
  }
  codeVerifier() {
    return this.#verifier;
  }
  saveCodeVerifier(verifier: string) {
    this.#verifier = verifier;
  }
  discoveryState() {
    return this.#discovery;
  }
  saveDiscoveryState(state: OAuthDiscoveryState) {
    this.#discovery = state;
  }
  invalidateCredentials(what: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery') {
    const all = what === 'all';
    if (all || what === 'client') this.#client = undefined;
    if (all || what === 'tokens') this.#tokens = undefined;
    if (all || what === 'verifier') this.#verifier = '';
    if (all || what === 'discovery') this.#discovery = undefined;
  }

  /** Where a browser would open: the server answers with the way back, and that is all that is needed. */
  async redirectToAuthorization(url: URL) {
    const response = await fetch(url, { redirect: 'manual' });
    const back = new URL(response.headers.get('location') ?? 'about:blank');
    const code = back.searchParams.get('code');
    if (code === null) throw new Error('the authorization server sent no code back');
    this.callback = { code, iss: back.searchParams.get('iss') ?? undefined };
  }
}

/** A fetch that authorizes when it is challenged, and tries once more. */
export function authorizingFetch(user: OAuthUser, serverUrl: string): FetchLike {
  const send = withDpopFromProvider(user)(fetch);
  const attempt = (input: string | URL, init?: RequestInit) => {
    const headers = new Headers(init?.headers);
    const token = user.tokens()?.access_token;
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    return send(input, { ...init, headers });
  };
  return async (input, init) => {
    const first = await attempt(input, init);
    if (first.status !== 401 && first.status !== 403) return first;
    await authorize(user, serverUrl, first);
    const second = await attempt(input, init);
    if (second.status === 401 || second.status === 403) throw new UnauthorizedError(`${input} still refuses after authorization`);
    return second;
  };
}

async function authorize(user: OAuthUser, serverUrl: string, challenge: Response): Promise<void> {
  const { resourceMetadataUrl, scope: asked } = extractWWWAuthenticateParams(challenge);
  const held = user.tokens()?.scope;
  // A step-up keeps what was granted before; a dead token makes everything known about the server doubtful.
  const scope = challenge.status === 403 ? computeScopeUnion(held, asked) : asked;
  if (challenge.status === 401) user.invalidateCredentials('discovery');
  const options = { serverUrl, fetchFn: fetch, ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }), ...(scope !== undefined && { scope }) };
  const outcome = await auth(user, { ...options, forceReauthorization: isStrictScopeSuperset(scope, held) });
  if (outcome !== 'REDIRECT') return;
  const { code, iss } = user.callback ?? { code: '', iss: undefined };
  await auth(user, { ...options, authorizationCode: code, ...(iss !== undefined && { iss }) });
}
