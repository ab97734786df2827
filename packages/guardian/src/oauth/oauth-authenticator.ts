import { type Authenticator, type Clock, type Connection, type KeyValueStore, systemClock } from '@meshwork/core';
import { createSteadyTime } from '../steady-time.ts';
import { createZones, type ZoneOf } from '../zones.ts';
import { type AccessTokenClaims, createAccessTokens, type TokenIssuer } from './access-token.ts';
import { createDpopProofs, PROOF_AGE_MS } from './dpop.ts';
import { createDpopNonces } from './dpop-nonces.ts';
import { createIssuerKeys } from './issuer-keys.ts';
import type { OutboundFetch } from './issuer-metadata.ts';
import { invalidToken } from './refusals.ts';
import { createReplayGuard } from './replay-guard.ts';
import { isSigningAlgorithm, type SigningAlgorithm } from './signing-algorithms.ts';
import { principalOfToken, type TokenIdentity } from './token-principal.ts';

/** An authorization server whose tokens open this hub. */
export interface OAuthIssuer {
  /** Exactly what its tokens have in `iss`. */
  readonly issuer: string;
  /** Where its keys are. Default: where its metadata says (RFC 8414, then OpenID Connect Discovery). */
  readonly jwksUri?: string;
  /** What it signs with; anything else is refused. */
  readonly algorithms: readonly SigningAlgorithm[];
  /** The organisation everybody it vouches for belongs to. */
  readonly organisation?: string;
  /**
   * Who a verified token stands for here; `undefined` refuses it. Take `sub` or `client_id`, never an e-mail address, which others can get.
   * `nameless`, which is the default, is an agent of its own, with an id made of issuer and subject.
   */
  readonly principalOf?: (claims: AccessTokenClaims) => TokenIdentity | 'nameless' | undefined;
}

export interface OAuthAuthenticatorOptions {
  /** This hub's URL, as tokens name it in `aud` and proofs in `htu`: `https://hub.example/mcp`. */
  readonly resource: string;
  readonly issuers: readonly OAuthIssuer[];
  /** How the issuers are reached: one that bounds where requests go, and how much comes back. */
  readonly fetch: OutboundFetch;
  /** Milliseconds a caller waits for an issuer at most. Default 5,000. */
  readonly timeoutMs?: number;
  /** What DPoP proofs may be signed with. Default `EdDSA`, `Ed25519`, `ES256`. */
  readonly dpopAlgorithms?: readonly SigningAlgorithm[];
  /** Wants a nonce of this hub in each DPoP proof (RFC 9449 section 9). Default false. */
  readonly dpopNonce?: boolean;
  /**
   * Where DPoP proofs are remembered, each once, for all hubs that share it and over restarts; each proof costs a write. Default: this process
   * remembers those it has seen itself.
   */
  readonly store?: Pick<KeyValueStore, 'put'>;
  /** Says where a connection comes from. Default: this machine is local, all else external. */
  readonly zoneOf?: ZoneOf;
  /**
   * Milliseconds the clocks of this hub and of its issuers and senders may be apart: 0 to 30,000. Default 5,000. It is given to `exp`, `nbf` and
   * `iat` of tokens, and to the `iat` of DPoP proofs.
   */
  readonly clockToleranceMs?: number;
  readonly clock?: Clock;
}

/**
 * Takes access tokens (JWT, RFC 9068) of the configured issuers, as MCP 2026-07-28 asks of an OAuth 2.1 resource server: made for this
 * resource alone, signed with a key their issuer publishes, bound to a key of the sender where they say so (DPoP, RFC 9449; certificates,
 * RFC 8705). What is no token of these issuers is left to others: put it behind them with `guardian.authenticatorWith`.
 *
 * @throws {TypeError} when the resource or an issuer is not a URL, an algorithm is not one for key pairs, or the tolerance is out of range.
 */
export function createOAuthAuthenticator(options: OAuthAuthenticatorOptions): Authenticator {
  const { resource, fetch, timeoutMs = 5_000, dpopAlgorithms = ['EdDSA', 'Ed25519', 'ES256'], dpopNonce = false } = options;
  const { zoneOf = createZones(), clockToleranceMs: toleranceMs = 5_000, store } = options;
  if (!Number.isSafeInteger(toleranceMs) || toleranceMs < 0 || toleranceMs > 30_000)
    throw new TypeError(`clockToleranceMs is ${toleranceMs}; it must be a whole number of milliseconds from 0 to 30,000`);
  const clock = createSteadyTime(options.clock ?? systemClock);
  checkUrl('resource', resource);
  checkAlgorithms('dpopAlgorithms', dpopAlgorithms);
  const issuers = new Map(options.issuers.map((each) => [each.issuer, withKeys(each, { fetch, clock, timeoutMs })]));
  if (issuers.size < options.issuers.length) throw new TypeError('two issuers have one name; name each once');
  const tokens = createAccessTokens({ resource, issuers, clock, toleranceMs });
  const proofs = createDpopProofs({
    resource,
    algorithms: dpopAlgorithms,
    clock,
    toleranceMs,
    replays: createReplayGuard({ clock, windowMs: PROOF_AGE_MS + toleranceMs, toleranceMs, store }),
    nonces: dpopNonce ? createDpopNonces({ clock }) : undefined,
  });

  const checkSender = async ({ cnf }: AccessTokenClaims, token: string, scheme: 'Bearer' | 'DPoP', connection: Connection) => {
    if (scheme === 'DPoP' && cnf?.jkt === undefined) throw invalidToken('the access token is not bound to a key; send it as "Authorization: Bearer <token>"');
    if (cnf === undefined) return;
    const { jkt, 'x5t#S256': thumbprint } = cnf;
    if (jkt === undefined && thumbprint === undefined) throw invalidToken('the access token is bound to its sender in a way this hub cannot check');
    if (thumbprint !== undefined && connection.certificate?.thumbprint !== thumbprint)
      throw invalidToken('the access token is bound to a client certificate; connect with it');
    if (jkt === undefined) return;
    if (scheme !== 'DPoP') throw invalidToken('the access token is bound to a key; send it as "Authorization: DPoP <token>", with a proof');
    await proofs.check(connection.request, token, jkt);
  };

  return {
    async authenticate(credential, connection) {
      const scheme = schemeOf(credential, connection);
      if (credential === undefined || scheme === undefined) return undefined;
      const claims = await tokens.verify(credential);
      const issuer = claims && issuers.get(claims.iss);
      if (claims === undefined || issuer === undefined) return undefined;
      await checkSender(claims, credential, scheme, connection);
      const { principalOf = () => 'nameless' as const, organisation } = issuer;
      return principalOfToken(claims, principalOf(claims), { connection, organisation, zoneOf });
    },
  };
}

/** How the token came. One in another header than `Authorization` is none (MCP 2026-07-28, RFC 6750 section 2.1). */
function schemeOf(credential: string | undefined, { request }: Connection): 'Bearer' | 'DPoP' | undefined {
  if (request === undefined) return 'Bearer';
  const [, scheme, token] = /^(Bearer|DPoP) +([^\s]+) *$/i.exec(request.header('authorization') ?? '') ?? [];
  if (scheme === undefined || token !== credential) return undefined;
  return scheme.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer';
}

type KnownIssuer = OAuthIssuer & TokenIssuer;

function withKeys(issuer: OAuthIssuer, parts: { readonly fetch: OutboundFetch; readonly clock: Clock; readonly timeoutMs: number }): KnownIssuer {
  checkUrl('issuer', issuer.issuer);
  if (issuer.jwksUri !== undefined) checkUrl('jwksUri', issuer.jwksUri);
  checkAlgorithms(`algorithms of ${issuer.issuer}`, issuer.algorithms);
  return { ...issuer, keys: createIssuerKeys({ ...parts, issuer: issuer.issuer, jwksUri: issuer.jwksUri }) };
}

function checkUrl(what: string, url: string): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol) || new URL(url).hash !== '')
    throw new TypeError(`the ${what} ${JSON.stringify(url)} is not an https URL without a fragment`);
}

function checkAlgorithms(what: string, algorithms: readonly string[]): void {
  if (algorithms.length === 0 || !algorithms.every(isSigningAlgorithm))
    throw new TypeError(`the ${what} must be algorithms for key pairs, such as EdDSA, ES256 or PS256, and at least one`);
}
