import { createHash, type X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ClientCertificate } from '@meshwork/core';
import type { ConnectionFacts } from './plain-http.ts';
import { subjectNames } from './subject-names.ts';

/** What is known of the other end of a socket. It is found out once for each: requests come and go, and it stays. */
export function peerFacts(socket: Socket): ConnectionFacts {
  let facts = known.get(socket);
  if (facts === undefined) {
    facts = factsOf(socket);
    known.set(socket, facts);
  }
  return facts;
}

const known = new WeakMap<Socket, ConnectionFacts>();

function factsOf(socket: Socket): ConnectionFacts {
  const { remoteAddress, localAddress } = socket;
  const place = { ...(remoteAddress !== undefined && { remoteAddress }), ...(localAddress !== undefined && { localAddress }) };
  if (!(socket instanceof TLSSocket)) return { ...place, encrypted: false };
  // Before TLS 1.3 the exporter is bound to the connection only with an extension that cannot be seen here (RFC 9266 section 4.2).
  const channelBinding =
    socket.getProtocol() === 'TLSv1.3'
      ? { channelBinding: socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)).toString('base64url') }
      : {};
  const facts = { ...place, encrypted: true, ...channelBinding };
  const presented = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  return presented === undefined ? facts : withCertificate(facts, presented);
}

/** A connection may outlive the certificate it began with: from then on it has none. */
function withCertificate(facts: ConnectionFacts, presented: X509Certificate): ConnectionFacts {
  const endsAt = Date.parse(presented.validTo);
  const certificate: ClientCertificate = {
    names: subjectNames(presented.subjectAltName),
    thumbprint: createHash('sha256').update(presented.raw).digest('base64url'),
  };
  return {
    ...facts,
    get certificate() {
      return Date.now() < endsAt ? certificate : undefined;
    },
  };
}
