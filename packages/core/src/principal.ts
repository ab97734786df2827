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
  /** The party answerable for the agent, and the organisation both belong to, where they are known. */
  readonly owner?: string;
  readonly organisation?: string;
  /** What the credential is limited to, as in OAuth. Absent: no limit beside the policies. */
  readonly scopes?: readonly string[];
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
