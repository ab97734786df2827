import { type Authenticator, type Connection, type Principal, zoneTrust } from '@meshwork/core';
import type { CredentialBook, KeyOwner } from './credential-book.ts';
import type { ZoneOf } from './zones.ts';

/** Turns an API key on a connection into a principal. */
export function createAuthenticator({ credentials, zoneOf }: { readonly credentials: CredentialBook; readonly zoneOf: ZoneOf }): Authenticator {
  return {
    async authenticate(credential, connection) {
      const owner = credential === undefined ? undefined : await credentials.ownerOf(credential);
      return owner && principalOf(owner, connection, zoneOf);
    },
  };
}

function principalOf(owner: KeyOwner, connection: Connection, zoneOf: ZoneOf): Principal {
  const zone = zoneOf(connection);
  const isAdmin = owner.kind === 'admin';
  return {
    id: owner.id,
    kind: isAdmin ? 'user' : 'agent',
    roles: isAdmin ? ['admin'] : [],
    zone,
    trust: zoneTrust[zone],
    method: 'api-key',
    actsFor: isAdmin ? ['*'] : [],
    ...(connection.remoteAddress !== undefined && { address: connection.remoteAddress }),
  };
}
