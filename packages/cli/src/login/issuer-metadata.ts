import { type AuthorizationServer, processDiscoveryResponse } from 'oauth4webapi';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import type { IssuerFetch } from './issuer-fetch.ts';
import { explainOAuth } from './oauth-errors.ts';

/**
 * What an authorization server says of itself (RFC 8414, then OpenID Connect Discovery, in the order MCP 2026-07-28 gives).
 *
 * @throws {CliError} when it has no metadata, or answers for another issuer, whose clients it could lead astray (RFC 8414 section 3.3).
 */
export async function readIssuerMetadata(issuer: string, fetch: IssuerFetch): Promise<AuthorizationServer> {
  for (const url of metadataUrls(issuer)) {
    const response = await fetch(url, { headers: { accept: 'application/json' } });
    if (response.status >= 400 && response.status < 500) continue;
    const metadata = await processDiscoveryResponse(new URL(issuer), response).catch((error) => {
      throw explainOAuth(issuer, error);
    });
    // The library compares them as URLs; RFC 8414 wants them equal, character by character.
    if (metadata.issuer !== issuer) throw wrongIssuer(issuer);
    return metadata;
  }
  throw new CliError('OAUTH_INVALID', `${issuer} has no metadata (RFC 8414); the hub names it as its authorization server`, exitCodes.refused);
}

function wrongIssuer(issuer: string): CliError {
  return new CliError('WRONG_ISSUER', `what answers at ${issuer} says it is another authorization server; nothing was sent to it`, exitCodes.refused);
}

function metadataUrls(issuer: string): readonly string[] {
  if (!URL.canParse(issuer)) throw new CliError('OAUTH_INVALID', 'the hub names an authorization server by something that is no URL', exitCodes.refused);
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const inserted = ['oauth-authorization-server', 'openid-configuration'].map((name) => `${origin}/.well-known/${name}${path}`);
  return path === '' ? inserted : [...inserted, `${origin}${path}/.well-known/openid-configuration`];
}
