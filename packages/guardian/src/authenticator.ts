import { type Authenticator, type Connection, type Principal, zoneTrust } from '@meshwork/core';
import type { CredentialBook, KeyOwner } from './credential-book.ts';
import { digestOf } from './secret.ts';
import type { SessionBook } from './sessions/session-book.ts';
import type { ZoneOf } from './zones.ts';

export interface AuthenticatorOptions {
  readonly credentials: CredentialBook;
  readonly zoneOf: ZoneOf;
  /** Keys given from outside, by their digests, and the agents they stand for. */
  readonly givenKeys: ReadonlyMap<string, string>;
  /** Who holds a session token. Absent: there are no sessions. */
  readonly sessions?: Pick<SessionBook, 'sessionOf'> | undefined;
}

/** Turns an API key or a session token on a connection into a principal. */
export function createAuthenticator({ credentials, zoneOf, givenKeys, sessions }: AuthenticatorOptions): Authenticator {
  const givenTo = (key: string): KeyOwner | undefined => {
    const id = givenKeys.size === 0 ? undefined : givenKeys.get(digestOf(key));
    return id === undefined ? undefined : { kind: 'agent', id };
  };
  return {
    async authenticate(credential, connection) {
      if (credential === undefined) return undefined;
      const session = await sessions?.sessionOf(credential, connection);
      if (session !== undefined)
        return { ...principalOf({ kind: 'agent', id: session.agent }, connection, zoneOf), ...session.terms, method: 'session', credentialId: session.id };
      const owner = (await credentials.ownerOf(credential)) ?? givenTo(credential);
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
    ...(connection.channelBinding !== undefined && { channelBinding: connection.channelBinding }),
  };
}
