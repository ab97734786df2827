import { type Authenticator, type ClientCertificate, type Connection, type Principal, UnauthenticatedError, zoneTrust } from '@meshwork/core';
import type { AgentBook } from './agent-book.ts';
import { provenBy } from './proven.ts';
import type { ZoneOf } from './zones.ts';

/** Who a client certificate is, by one of its subject alternative names. */
export type CertificateRule = {
  /** The whole name, as in `URI:spiffe://example.org/agent/a` or `DNS:a.example.org`; a `*` in it is a `*`. */
  readonly name: string;
} & ({ readonly agent: string; readonly admin?: false } | { readonly admin: true; readonly agent?: undefined });

export interface CertificateOptions {
  /** Names and who has them. Nobody is anybody by a name that is not here. */
  readonly certificates?: readonly CertificateRule[];
  /** The beginning of URI names that end in the name of an agent, as in `urn:meshwork:agent:`. Default: none do. */
  readonly certificateAgents?: string;
}

interface Subject {
  readonly kind: 'agent' | 'user';
  readonly id: string;
}

/**
 * Lets callers in by the certificate of their connection, when they show nothing else; an agent only while the hub knows it. A credential that
 * is shown always decides; but one of somebody else than the certificate's owner is refused, and the log says `impersonation`.
 *
 * @throws {TypeError} when two rules name different parties by one name, or a rule is none.
 */
export function withCertificates(
  inner: Authenticator,
  options: CertificateOptions & { readonly agents: Pick<AgentBook, 'get'>; readonly zoneOf: ZoneOf },
): Authenticator {
  const { agents, zoneOf, certificateAgents } = options;
  const rules = readRules(options.certificates ?? []);
  if (certificateAgents !== undefined && !/^[a-z][a-z0-9+.-]*:./i.test(certificateAgents))
    throw new TypeError(`certificateAgents is ${JSON.stringify(certificateAgents)}; it must be the beginning of a URI, as in urn:meshwork:agent:`);
  if (rules.size === 0 && certificateAgents === undefined) return inner;
  const prefix = certificateAgents === undefined ? undefined : `URI:${certificateAgents}`;

  /** Everybody one of the names stands for. */
  const subjectsOf = ({ names }: ClientCertificate): Map<string, Subject> => {
    const found = new Map<string, Subject>();
    for (const name of names) {
      const subject = rules.get(name) ?? (prefix !== undefined && name.startsWith(prefix) ? agentCalled(name.slice(prefix.length)) : undefined);
      if (subject !== undefined) found.set(keyOf(subject), subject);
    }
    return found;
  };
  const ownerOf = async (certificate: ClientCertificate): Promise<Subject | undefined> => {
    const [subject, ...others] = subjectsOf(certificate).values();
    // A certificate of two is of nobody in particular.
    if (subject === undefined || others.length > 0) return undefined;
    if (subject.kind === 'agent' && (await agents.get(subject.id)) === undefined) return undefined;
    return subject;
  };

  return {
    async authenticate(credential, connection) {
      const { certificate } = connection;
      if (certificate === undefined) return inner.authenticate(credential, connection);
      if (credential === undefined) {
        const owner = await ownerOf(certificate);
        return owner === undefined ? inner.authenticate(undefined, connection) : principalOf(owner, certificate, connection, zoneOf);
      }
      const principal = await inner.authenticate(credential, connection);
      if (principal === undefined) return undefined;
      const subjects = subjectsOf(certificate);
      if (subjects.size > 0 && !subjects.has(keyOf(principal)))
        throw new UnauthenticatedError(
          'impersonation: the credential and the certificate are of two different parties; show one of them, or both of one party',
          {
            challenge: { scheme: 'Bearer', parameters: { error: 'invalid_token' } },
          },
        );
      return principal;
    },
    ...(inner.onWithdrawn && { onWithdrawn: inner.onWithdrawn }),
  };
}

function readRules(list: readonly CertificateRule[]): Map<string, Subject> {
  const rules = new Map<string, Subject>();
  for (const { name, agent, admin } of list) {
    const shown = JSON.stringify(name);
    if (!/^(?:URI|DNS|EMAIL|IP):./.test(name)) throw new TypeError(`the certificate name ${shown} must begin with URI:, DNS:, EMAIL: or IP:`);
    if ((agent === undefined) === (admin !== true)) throw new TypeError(`the certificate name ${shown} must be either of an agent or of the admin`);
    const subject: Subject = agent === undefined ? { kind: 'user', id: 'admin' } : agentCalled(agent);
    const known = rules.get(name);
    if (known !== undefined && keyOf(known) !== keyOf(subject)) throw new TypeError(`the certificate name ${shown} is given to two parties; give it to one`);
    rules.set(name, subject);
  }
  return rules;
}

function agentCalled(id: string): Subject {
  return { kind: 'agent', id };
}

function keyOf({ kind, id }: Pick<Principal, 'kind' | 'id'>): string {
  return `${kind} ${id}`;
}

function principalOf({ kind, id }: Subject, { thumbprint }: ClientCertificate, connection: Connection, zoneOf: ZoneOf): Principal {
  const zone = zoneOf(connection);
  const isAdmin = kind === 'user';
  return {
    id,
    kind,
    roles: isAdmin ? ['admin'] : [],
    zone,
    trust: zoneTrust[zone],
    method: 'certificate',
    credentialId: thumbprint,
    actsFor: isAdmin ? ['*'] : [],
    ...provenBy(connection),
    ...(connection.remoteAddress !== undefined && { address: connection.remoteAddress }),
    ...(connection.channelBinding !== undefined && { channelBinding: connection.channelBinding }),
  };
}
