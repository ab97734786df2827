import { type Authenticator, type Connection, type Principal, zoneTrust } from '@meshwork/core';
import type { CredentialBook } from './credential-book.ts';
import type { KeyHolder, KeyTerms } from './key-record.ts';
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
  const givenTo = (key: string): KeyHolder | undefined => {
    const id = givenKeys.size === 0 || key.length > LONGEST_GIVEN_KEY ? undefined : givenKeys.get(digestOf(key));
    return id === undefined ? undefined : { kind: 'agent', id };
  };
  return {
    async authenticate(credential, connection) {
      if (credential === undefined) return undefined;
      const session = await sessions?.sessionOf(credential, connection);
      if (session !== undefined)
        return { ...principalOf({ kind: 'agent', id: session.agent }, connection, zoneOf), ...session.terms, method: 'session', credentialId: session.id };
      const opened = await credentials.open(credential, connection.remoteAddress);
      if (opened !== undefined) return { ...principalOf(opened.record, connection, zoneOf), ...termsOf(opened.record), credentialId: opened.id };
      const given = givenTo(credential);
      return given && principalOf(given, connection, zoneOf);
    },
  };
}

/** Characters of a key given from outside, at most. */
export const LONGEST_GIVEN_KEY = 1_024;

function termsOf({ owner, organisation, scopes }: KeyTerms): Pick<Principal, 'owner' | 'organisation' | 'scopes'> {
  return { ...(owner !== undefined && { owner }), ...(organisation !== undefined && { organisation }), ...(scopes !== undefined && { scopes }) };
}

function principalOf(holder: KeyHolder, connection: Connection, zoneOf: ZoneOf): Principal {
  const zone = zoneOf(connection);
  const isAdmin = holder.kind === 'admin';
  return {
    id: holder.id,
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
