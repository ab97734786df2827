import { UnavailableError } from '@meshwork/core';
import { z } from 'zod';

/**
 * Port: how a hub reaches an authorization server. Give it one that bounds where requests go, how long they take and how much comes back:
 * `createGuardedFetch` of `@meshwork/transports/outbound` on Node.
 */
export type OutboundFetch = (url: string, request: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal }) => Promise<Response>;

export interface DocumentOptions {
  readonly fetch: OutboundFetch;
  readonly signal: AbortSignal;
}

/**
 * Where an issuer's keys are, from its metadata: RFC 8414 first, then OpenID Connect Discovery, in the order MCP 2026-07-28 gives.
 *
 * @throws {UnavailableError} when there is none, or it is another issuer's.
 */
export async function discoverJwksUri(issuer: string, options: DocumentOptions): Promise<string> {
  for (const url of metadataUrls(issuer)) {
    const document = await readDocument(url, options);
    if (document === undefined) continue;
    const metadata = metadataSchema.safeParse(document).data;
    // A server that answers for another issuer could have the tokens of that one checked with its own keys (RFC 8414 section 3.3).
    if (metadata?.issuer !== issuer) throw new UnavailableError(`the metadata of ${issuer} is another issuer's; correct the issuer in the configuration`);
    if (!isUrlLike(metadata.jwks_uri, issuer)) throw new UnavailableError(`the metadata of ${issuer} gives its keys no address that can be trusted`);
    return metadata.jwks_uri;
  }
  throw new UnavailableError(`${issuer} has no metadata; give jwksUri in the configuration if its keys are elsewhere`);
}

/** A JSON document; `undefined` when the server has none there. @throws {UnavailableError} when it does not answer, or not with one. */
export async function readDocument(url: string, { fetch, signal }: DocumentOptions): Promise<unknown> {
  const response = await fetch(url, { headers: { accept: 'application/json' }, signal });
  if (response.status >= 400 && response.status < 500) return undefined;
  if (response.status !== 200) throw new UnavailableError(`${new URL(url).host} answers with status ${response.status}`);
  try {
    return await response.json();
  } catch {
    throw new UnavailableError(`${new URL(url).host} answers with something that is not JSON`);
  }
}

const metadataSchema = z.object({ issuer: z.string(), jwks_uri: z.string() });

function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const inserted = ['oauth-authorization-server', 'openid-configuration'].map((name) => `${origin}/.well-known/${name}${path}`);
  return path === '' ? inserted : [...inserted, `${origin}${path}/.well-known/openid-configuration`];
}

/** Keys come over https, but for an issuer that the operator himself wrote with http. */
function isUrlLike(url: string, issuer: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && issuer.startsWith('http:'));
}
