import type { SecureVersion } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { InvalidInputError } from '@meshwork/core';

/** Certificates and keys in PEM. */
export interface TlsMaterial {
  /** The server's certificate, with those between it and its authority. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** The authorities of client certificates. Those of the system are never asked: they vouch for everybody. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
}

/** Port: where certificates come from when they change while a hub runs. `watchCertificates` reads them from files. */
export interface TlsSource {
  current(): TlsMaterial;
  /** Calls back when `current` gives something else; returns the way to stop listening. */
  onChange(listener: () => void): () => void;
}

export interface TlsRules {
  /** Whether clients are asked for a certificate. Without one that `ca` vouches for, `optional` takes them as having none, `required` refuses them. Default `no`. */
  readonly requestClientCertificate?: 'no' | 'optional' | 'required';
  /** Default `TLSv1.3`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Milliseconds a client has for the handshake. Default 10,000. */
  readonly handshakeTimeoutMs?: number;
}

/** TLS of a port: certificates that stay, or a source of ones that are reloaded without dropping a connection. */
export type TlsOptions = TlsRules & (TlsMaterial | { readonly source: TlsSource });

/** What Node's server is told, once for all. */
export interface ServerTls {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  readonly handshakeTimeout: number;
  readonly ALPNProtocols: string[];
}

/** What is told anew with each change of certificates. */
export interface Context {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly ca?: (string | Buffer)[];
  readonly minVersion: SecureVersion;
}

export function serverTls({ requestClientCertificate = 'no', handshakeTimeoutMs = 10_000 }: TlsRules): ServerTls {
  return {
    requestCert: requestClientCertificate !== 'no',
    rejectUnauthorized: requestClientCertificate === 'required',
    handshakeTimeout: handshakeTimeoutMs,
    ALPNProtocols: ['http/1.1'],
  };
}

/** @throws {InvalidInputError} when the certificates cannot be used, or clients are asked for one and nobody vouches for them. */
export function contextOf(options: TlsOptions): Context {
  const { cert, key, ca } = 'source' in options ? options.source.current() : options;
  const { requestClientCertificate = 'no', minVersion = 'TLSv1.3' } = options;
  const authorities = ca === undefined ? [] : [ca].flat();
  if (requestClientCertificate !== 'no' && authorities.length === 0)
    throw new InvalidInputError('client certificates are asked for, but no authority is given that they could come from; set ca');
  const context: Context = { cert, key, minVersion, ...(authorities.length > 0 && { ca: authorities }) };
  try {
    createSecureContext(context);
  } catch (cause) {
    throw new InvalidInputError(`the TLS certificate and key cannot be used: ${(cause as Error).message}`, { cause });
  }
  return context;
}
