import type { Principal } from './principal.ts';

/** What a transport knows about a connection, before anybody said who they are. */
export interface Connection {
  /** How the bytes arrive. */
  readonly via: 'http' | 'stdio' | 'in-process';
  /** The peer's address on the socket, never a forwarded header. Absent off the network. */
  readonly remoteAddress?: string;
  /** True when the connection is encrypted. */
  readonly encrypted: boolean;
}

/** Port: turns a credential on a connection into a principal. Transports ask it before a call exists. */
export interface Authenticator {
  /** The principal, or `undefined` when the credential is missing, unknown, expired or revoked (which of them is not told). */
  authenticate(credential: string | undefined, connection: Connection): Promise<Principal | undefined>;
}
