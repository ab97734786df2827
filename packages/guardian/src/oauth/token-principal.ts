import { type Connection, type Principal, zoneTrust } from '@meshwork/core';
import { provenBy } from '../proven.ts';
import { digestOf } from '../secret.ts';
import type { ZoneOf } from '../zones.ts';
import type { AccessTokenClaims } from './access-token.ts';
import { invalidToken } from './refusals.ts';

/** Who a token stands for at this hub. */
export interface TokenIdentity {
  /** Its name here: 1 to 64 of `a-z 0-9 . _ -`, not beginning with one of `. _ -`. */
  readonly id: string;
  /** Default `agent`. */
  readonly kind?: 'agent' | 'user';
  readonly roles?: readonly string[];
  /** The party answerable for it. */
  readonly owner?: string;
}

/** The scopes that come with one: who may write may read, and who may administer may do both. */
const withinScope: Readonly<Record<string, readonly string[]>> = {
  read: ['read'],
  write: ['read', 'write'],
  admin: ['read', 'write', 'admin'],
};
const AGENT_ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const LOGGABLE = /^[\w.:~-]{1,128}$/;

/** The principal of a verified token. @throws {UnauthenticatedError} when it stands for nobody here. */
export function principalOfToken(
  claims: AccessTokenClaims,
  said: TokenIdentity | 'nameless' | undefined,
  { connection, organisation, zoneOf }: { readonly connection: Connection; readonly organisation: string | undefined; readonly zoneOf: ZoneOf },
): Principal {
  const identity = said === 'nameless' ? namelessIdentity(claims) : said;
  if (identity === undefined || !AGENT_ID.test(identity.id)) throw invalidToken('the access token stands for nobody this hub knows; ask its admin');
  const { id, kind = 'agent', roles = [], owner } = identity;
  const zone = zoneOf(connection);
  return {
    id,
    kind,
    roles,
    zone,
    trust: zoneTrust[zone],
    method: 'oauth',
    actsFor: [],
    credentialId: LOGGABLE.test(claims.jti) ? claims.jti : digestOf(claims.jti).slice(0, 32),
    scopes: scopesOf(claims.scope ?? ''),
    // A certificate the token is not bound to says nothing of who holds the token.
    ...provenBy(claims.cnf?.['x5t#S256'] === undefined ? {} : connection, claims.cnf?.jkt),
    expiresAt: claims.exp * 1_000,
    ...(connection.remoteAddress !== undefined && { address: connection.remoteAddress }),
    ...(connection.channelBinding !== undefined && { channelBinding: connection.channelBinding }),
    ...(owner !== undefined && { owner }),
    ...(organisation !== undefined && { organisation }),
  };
}

/** `oauth-` and a digest of issuer and subject, so that no two are one. */
function namelessIdentity({ iss, sub }: AccessTokenClaims): TokenIdentity {
  return { id: `oauth-${digestOf(JSON.stringify([iss, sub])).slice(0, 40)}` };
}

/** What a `scope` claim holds (RFC 8693 section 4.2), with what is within each. A token without one may do nothing. */
function scopesOf(scope: string): readonly string[] {
  const named = scope.split(' ').filter((name) => name !== '');
  const plain = named.flatMap((name) => {
    const effect = name.replace(/^mcp:/, '');
    return Object.hasOwn(withinScope, effect) ? (withinScope[effect] ?? []) : [];
  });
  return [...new Set([...named, ...plain])];
}
