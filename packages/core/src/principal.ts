/** Where a caller stands, as the connection and the credential prove it. */
export type Zone = 'local' | 'trusted' | 'external';

/** What kind of party a caller is. `anonymous` has shown no credential. */
export type PrincipalKind = 'agent' | 'user' | 'anonymous';

/** How a caller proved who it is. */
export type AuthenticationMethod = 'api-key' | 'session' | 'certificate' | 'oauth' | 'process-owner' | 'in-process' | 'none';

/**
 * Who calls, built only from what the transport and the credential prove. Nothing in it comes from the caller's own words.
 */
export interface Principal {
  readonly id: string;
  readonly kind: PrincipalKind;
  readonly roles: readonly string[];
  readonly zone: Zone;
  /** 0 to 1: local 0.9, trusted network 0.7, external 0.5. */
  readonly trust: number;
  readonly method: AuthenticationMethod;
  /** Ids of the agents it may act for besides itself; `*` stands for all. */
  readonly actsFor: readonly string[];
  /** The address the connection came from, for records. */
  readonly address?: string;
  /** Which credential it was: the id of a key, a session or a certificate, never its secret. */
  readonly credentialId?: string;
  /** What the TLS connection alone has that the call came over (RFC 9266, in base64url), for proofs that are bound to it. */
  readonly channelBinding?: string;
  /**
   * The keys and certificates its credential or its connection has proved, by thumbprint, the one the credential is bound to first:
   * `jkt:` and that of a key (RFC 7638; a session's is the key it was opened with), `x5t#S256:` and that of a certificate (RFC 8705).
   */
  readonly proven?: readonly string[];
  /** The party answerable for the agent, and the organisation both belong to, where they are known. */
  readonly owner?: string;
  readonly organisation?: string;
  /** What the credential is limited to, as in OAuth. Absent: no limit beside the policies. */
  readonly scopes?: readonly string[];
  /** When the credential ends, in milliseconds since the Unix epoch, where it does: what was opened with it ends then too. */
  readonly expiresAt?: number;
  /** What the credential was itself opened with and does not outlive: for a session, the API key it was opened with. */
  readonly openedWith?: OpenedWith;
}

/** A credential that another was opened with. */
export interface OpenedWith {
  readonly method: AuthenticationMethod;
  /** The id of the API key it was. Absent: another kind of credential, or a key that cannot be revoked. */
  readonly keyId?: string;
  /** When it ends, in milliseconds since the Unix epoch, where that was known. */
  readonly expiresAt?: number;
}

/** The trust that goes with a zone. */
export const zoneTrust: Readonly<Record<Zone, number>> = { local: 0.9, trusted: 0.7, external: 0.5 };

/** A caller that runs in the hub's own process, such as a script that embeds the hub. */
export function inProcessPrincipal(id: string, { roles = [], actsFor = [] }: { roles?: readonly string[]; actsFor?: readonly string[] } = {}): Principal {
  return { id, kind: 'user', roles, zone: 'local', trust: zoneTrust.local, method: 'in-process', actsFor };
}

/** True when `principal` is `agentId` or may act for it. */
export function mayActFor(principal: Principal, agentId: string): boolean {
  return principal.id === agentId || principal.actsFor.includes(agentId) || principal.actsFor.includes('*');
}
