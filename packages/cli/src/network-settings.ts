import { resolve } from 'node:path';
import type { CertificateRule } from '@meshwork/guardian';
import { type ServeHttpOptions, type TlsRules, type WatchedCertificates, watchCertificates } from '@meshwork/transports';
import { agentUriPrefix } from './certificates/agent-uri.ts';
import { usageError } from './cli-error.ts';
import type { Config } from './config/config-schema.ts';

/** The flags of `up` about TLS. */
export interface TlsFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
}

/** Files and rules of TLS, wherever each was said. */
export interface TlsSettings extends TlsRules {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile?: string;
}

/** Pure: flags before the configuration file. @throws {CliError} when a part is missing. */
export function tlsSettingsOf({ flags, config, cwd }: { readonly flags: TlsFlags; readonly config: Config; readonly cwd: string }): TlsSettings | undefined {
  const cert = flags.tlsCert ?? config.tls?.cert;
  const key = flags.tlsKey ?? config.tls?.key;
  const ca = flags.tlsClientCa ?? config.tls?.clientCa;
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw usageError('TLS needs a certificate and its key; pass both --tls-cert and --tls-key ("meshwork certs" makes them for a trial)');
  const { clientCertificates = 'optional', minVersion } = config.tls ?? {};
  if (ca === undefined && config.tls?.clientCertificates !== undefined)
    throw usageError('clientCertificates asks for certificates that nobody vouches for; set clientCa or pass --tls-client-ca');
  return {
    certFile: resolve(cwd, cert),
    keyFile: resolve(cwd, key),
    ...(ca !== undefined && { caFile: resolve(cwd, ca), requestClientCertificate: clientCertificates }),
    ...(minVersion !== undefined && { minVersion }),
  };
}

/** Reads the certificates, and goes on to. @throws {InvalidInputError} when they cannot be used. */
export async function watchTls(
  settings: TlsSettings | undefined,
  onRejected: (error: Error) => void,
): Promise<{ readonly tls?: NonNullable<ServeHttpOptions['tls']>; readonly source?: WatchedCertificates }> {
  if (settings === undefined) return {};
  const { certFile, keyFile, caFile, ...rules } = settings;
  const source = await watchCertificates({ certFile, keyFile, ...(caFile !== undefined && { caFile }), onRejected });
  return { tls: { ...rules, source }, source };
}

/** Which addresses may connect, and how often, for the servers. */
export function callerRulesOf(config: Config): Pick<ServeHttpOptions, 'trustedProxies' | 'allowAddresses' | 'denyAddresses' | 'maxConnectionsPerAddress'> {
  const { trustedProxies, allowAddresses, denyAddresses, maxConnectionsPerAddress } = config;
  return {
    ...(trustedProxies !== undefined && { trustedProxies }),
    ...(allowAddresses !== undefined && { allowAddresses }),
    ...(denyAddresses !== undefined && { denyAddresses }),
    ...(maxConnectionsPerAddress !== undefined && { maxConnectionsPerAddress }),
  };
}

/** What the guardian makes of client certificates. Those of `meshwork certs client` name their agent. */
export function certificateRulesOf(
  config: Config,
  asksClients: boolean,
): { readonly certificates?: readonly CertificateRule[]; readonly certificateAgents?: string; readonly certificateZone?: 'trusted' } {
  const { certificates, certificateZone } = config.guardian ?? {};
  return {
    ...(certificates !== undefined && { certificates }),
    ...(asksClients && { certificateAgents: agentUriPrefix }),
    ...(certificateZone !== undefined && { certificateZone }),
  };
}
