/** Codes of errors that mean that a certificate is not from an authority this side knows. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
]);

/** Says in plain words why there is no connection to a hub, and what to do; `undefined` when the error says nothing of that. */
export function explainConnection(url: string, error: unknown): string | undefined {
  const { protocol, host, hostname } = new URL(url);
  for (const { code, message } of causesOf(error)) {
    if (code === 'ECONNREFUSED') return `nothing listens at ${host}; start a hub there with "meshwork up", or pass --server with the right port`;
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the name ${hostname} has no address; check how it is written, and the network`;
    if (/^(?:ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(code)) return `${host} cannot be reached; a firewall, or a wrong address`;
    if (code === 'CERT_HAS_EXPIRED') return `the certificate of ${host} has expired; whoever runs the hub has to renew it`;
    if (code === 'CERT_NOT_YET_VALID') return `the certificate of ${host} is not good yet; check the clocks of both machines`;
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
      return `the certificate of ${host} is for other names (${message.replace(/^.*altnames: /, '')}); call it by one of them, or have one made for this name`;
    if (UNTRUSTED.has(code)) return `the certificate of ${host} is from an authority this machine does not know; pass its certificate with --ca`;
    if (protocol === 'https:' && /^(?:ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO)$/.test(code))
      return `${host} speaks plain HTTP and no TLS; write http:// instead of https://`;
    if (/^ERR_SSL_.*(?:CERTIFICATE_REQUIRED|ALERT_BAD_CERTIFICATE|ALERT_CERTIFICATE|ALERT_UNKNOWN_CA|HANDSHAKE_FAILURE)/.test(code))
      return `${host} takes only clients with a certificate it knows; pass one with --cert and --cert-key ("meshwork certs client" makes them for a trial)`;
    if (code === 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION') return `${host} speaks another version of TLS than this side; both should have 1.3`;
    if (protocol === 'http:' && code.startsWith('HPE_')) return `${host} does not speak HTTP; if it speaks TLS, write https:// instead of http://`;
    if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE')
      return `${host} closed the connection without a word: it does not take calls from this address, has too many from it${protocol === 'http:' ? ', or speaks TLS (https://)' : ', or wants a client certificate'}`;
  }
  return undefined;
}

/** The error and what caused it, down to the first; of several tries, each. */
function* causesOf(error: unknown, depth = 0): Generator<{ readonly code: string; readonly message: string }> {
  if (!(error instanceof Error) || depth > 8) return;
  const { code, message, cause, errors } = error as Error & { code?: unknown; cause?: unknown; errors?: readonly unknown[] };
  yield { code: typeof code === 'string' ? code : '', message };
  for (const each of errors ?? []) yield* causesOf(each, depth + 1);
  yield* causesOf(cause, depth + 1);
}
