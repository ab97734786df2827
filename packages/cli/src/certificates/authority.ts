import 'reflect-metadata';
import { createPrivateKey, KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { CliError, usageError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { agentUriPrefix } from './agent-uri.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** Clocks of machines differ: a certificate made now is good a little before. */
const EARLIER_MS = 5 * 60_000;
const SERVER_USE = '1.3.6.1.5.5.7.3.1';
const CLIENT_USE = '1.3.6.1.5.5.7.3.2';

/** A certificate and its key, in PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

/** Makes a private authority: ECDSA on P-256, good for certificates of hubs and agents and no authorities below it. */
export async function makeAuthority({ name, days }: { readonly name: string; readonly days: number }): Promise<Issued> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const made = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: ALGORITHM,
    serialNumber: randomSerial(),
    ...periodOf(days),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: made.toString('pem'), key: pemOf(keys.privateKey) };
}

/** Makes a certificate for a hub, which is reached by these names or addresses. @throws {CliError} when one is neither. */
export function issueToServer(authority: Issued, { hosts, days }: { readonly hosts: readonly string[]; readonly days: number }): Promise<Issued> {
  const names = hosts.map(nameOf);
  return issue(authority, { names, days, use: SERVER_USE, commonName: hosts[0] ?? 'hub' });
}

/** Makes a certificate that is an agent's, for a hub that asks its clients for one. */
export function issueToAgent(authority: Issued, { agent, days }: { readonly agent: string; readonly days: number }): Promise<Issued> {
  return issue(authority, { names: [{ type: 'url', value: agentUriPrefix + agent }], days, use: CLIENT_USE, commonName: agent });
}

async function issue(
  { certificate, key }: Issued,
  { names, days, use, commonName }: { readonly names: readonly JsonGeneralName[]; readonly days: number; readonly use: string; readonly commonName: string },
): Promise<Issued> {
  const authority = new X509Certificate(certificate);
  const period = periodOf(days);
  if (authority.notAfter <= new Date()) throw usageError('the authority has expired; make another with "meshwork certs init --force"');
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const made = await X509CertificateGenerator.create({
    subject: [{ CN: [commonName] }],
    issuer: authority.subject,
    publicKey: keys.publicKey,
    signingKey: await keyFrom(key),
    signingAlgorithm: ALGORITHM,
    serialNumber: randomSerial(),
    ...period,
    // Nothing is good for longer than what vouches for it.
    notAfter: new Date(Math.min(period.notAfter.getTime(), authority.notAfter.getTime())),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([use]),
      new SubjectAlternativeNameExtension([...names]),
      await AuthorityKeyIdentifierExtension.create(authority),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: made.toString('pem'), key: pemOf(keys.privateKey) };
}

function periodOf(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - EARLIER_MS), notAfter: new Date(now + days * DAY_MS) };
}

function nameOf(host: string): JsonGeneralName {
  const plain = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(plain) !== 0) return { type: 'ip', value: plain };
  if (/^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(plain) && plain.length <= 253)
    return { type: 'dns', value: plain.toLowerCase() };
  throw usageError(`${JSON.stringify(host)} is no host name and no address; write it as hub.example.org or 10.1.2.3, without port`);
}

/** 128 bits of chance, positive (RFC 5280 section 4.1.2.2). */
function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

function pemOf(key: CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }) as string;
}

async function keyFrom(pem: string): Promise<CryptoKey> {
  try {
    const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
    return await crypto.subtle.importKey('pkcs8', new Uint8Array(der), ALGORITHM, false, ['sign']);
  } catch (cause) {
    throw new CliError('USAGE', 'the key of the authority cannot be read; make another with "meshwork certs init --force"', exitCodes.usage, { cause });
  }
}
