import type { Principal } from './principal.ts';

/** What a transport knows about a connection, before anybody said who they are. */
export interface Connection {
  /** How the bytes arrive. */
  readonly via: 'http' | 'stdio' | 'in-process';
  /** The peer's address: the socket's, or what a configured proxy says of it. Absent off the network. */
  readonly remoteAddress?: string;
  /** True when the connection is encrypted. */
  readonly encrypted: boolean;
  /** The peer's certificate, once TLS has verified it against the hub's client authorities. */
  readonly certificate?: ClientCertificate;
  /** What this TLS connection alone has: 32 bytes of keying material (RFC 9266, `EXPORTER-Channel-Binding`) in base64url. */
  readonly channelBinding?: string;
  /**
   * Set when the request came through a proxy: `known` when one that is trusted says from whom, and `remoteAddress` is that; `unknown` when
   * nobody the hub trusts does. Whoever comes that way is not on this machine, whatever the address.
   */
  readonly forwarded?: 'known' | 'unknown';
  /** The request that carries the credential, for proofs that are bound to it (RFC 9449). */
  readonly request?: CarryingRequest;
}

/** What of a request a proof can be bound to. */
export interface CarryingRequest {
  readonly method: string;
  /** Where it goes, without the query. */
  readonly path: string;
  /** A header by its lower-case name. */
  header(name: string): string | null;
}

/** A verified client certificate. */
export interface ClientCertificate {
  /** Its subject alternative names, as in `URI:spiffe://example.org/agent/a` and `DNS:a.example.org`. */
  readonly names: readonly string[];
  /** SHA-256 of its DER form in base64url: `x5t#S256` of RFC 8705. */
  readonly thumbprint: string;
}

/** Port: turns a credential on a connection into a principal. Transports ask it before a call exists. */
export interface Authenticator {
  /**
   * The principal, or `undefined` when the credential is missing, unknown, expired or revoked (which of them is not told).
   *
   * @throws {UnauthenticatedError} when the caller has to be told what to do differently, as an OAuth client has.
   */
  authenticate(credential: string | undefined, connection: Connection): Promise<Principal | undefined>;
  /**
   * Calls back when credentials that were good may be so no longer, with the id of the principal they are of, or `undefined` where they may be of
   * anybody: whoever keeps something open for them looks again at once. Returns the way to stop. Absent: nobody is told.
   */
  onWithdrawn?(listener: WithdrawalListener): () => void;
}

/** Hears whose credentials may have ended; of anybody, when nobody is named. Must not throw. */
export type WithdrawalListener = (principalId: string | undefined) => void;
