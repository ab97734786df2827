import { type Authenticator, type Connection, type Principal, zoneTrust } from '@meshwork/core';
import type { CredentialBook } from './credential-book.ts';
import type { KeyHolder, KeyRecord } from './key-record.ts';
import { provenBy } from './proven.ts';
import { digestOf } from './secret.ts';
import type { SessionBook } from './sessions/session-book.ts';
import type { Withdrawals } from './withdrawals.ts';
import type { ZoneOf } from './zones.ts';

export interface AuthenticatorOptions {
  readonly credentials: CredentialBook;
  readonly zoneOf: ZoneOf;
  /** Keys given from outside, by their digests, and the agents they stand for. */
  readonly givenKeys: ReadonlyMap<string, string>;
  /** Who holds a session token. Absent: there are no sessions. */
  readonly sessions?: Pick<SessionBook, 'sessionOf'> | undefined;
  /** Where it is told of credentials that end before their time. */
  readonly withdrawals: Pick<Withdrawals, 'listen'>;
}

/** Turns an API key or a session token on a connection into a principal. */
export function createAuthenticator({ credentials, zoneOf, givenKeys, sessions, withdrawals }: AuthenticatorOptions): Authenticator {
  const givenTo = (key: string): KeyHolder | undefined => {
    const id = givenKeys.size === 0 || key.length > LONGEST_GIVEN_KEY ? undefined : givenKeys.get(digestOf(key));
    return id === undefined ? undefined : { kind: 'agent', id };
  };
  return {
    async authenticate(credential, connection) {
      if (credential === undefined) return undefined;
      const session = await sessions?.sessionOf(credential, connection);
      if (session !== undefined) {
        const { openedWith } = session;
        // A session is held to the key it was opened with, as it is now: while that lives, and where it may be used from.
        if (openedWith.keyId !== undefined && !(await credentials.isLiveFrom(openedWith.keyId, connection.remoteAddress))) return undefined;
        return {
          ...principalOf({ kind: 'agent', id: session.agent }, connection, zoneOf),
          ...session.terms,
          ...provenBy(connection, session.kid),
          method: 'session',
          credentialId: session.id,
          expiresAt: session.expiresAt * 1_000,
          openedWith,
        };
      }
      const opened = await credentials.open(credential, connection.remoteAddress);
      if (opened !== undefined) return { ...principalOf(opened.record, connection, zoneOf), ...termsOf(opened.record), credentialId: opened.id };
      const given = givenTo(credential);
      return given && principalOf(given, connection, zoneOf);
    },
    onWithdrawn: withdrawals.listen,
  };
}

/** Characters of a key given from outside, at most. */
export const LONGEST_GIVEN_KEY = 1_024;

function termsOf({ owner, organisation, scopes, expiresAt }: KeyRecord): Pick<Principal, 'owner' | 'organisation' | 'scopes' | 'expiresAt'> {
  return {
    ...(expiresAt !== undefined && { expiresAt: Date.parse(expiresAt) }),
    ...(owner !== undefined && { owner }),
    ...(organisation !== undefined && { organisation }),
    ...(scopes !== undefined && { scopes }),
  };
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
    ...provenBy(connection),
  };
}
