import 'reflect-metadata';
import { KeyObject } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralName,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

/** A certificate and its key, in PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  readonly names?: readonly JsonGeneralName[];
  readonly use?: 'server' | 'client';
  /** Days from now that it is good from and until. */
  readonly fromDays?: number;
  readonly untilDays?: number;
}

/** A private authority, for one test. */
export interface Authority {
  readonly ca: string;
  issue(options?: IssueOptions): Promise<Issued>;
}

export async function createAuthority(name = 'CN=Authority of a test'): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const self = await X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - 1_000 * DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  let serial = 1;
  return {
    ca: self.toString('pem'),
    async issue({ names = [{ type: 'ip' as const, value: '127.0.0.1' }], use = 'server', fromDays = -1, untilDays = 1 } = {}) {
      const own = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const extensions: Extension[] = [
        new ExtendedKeyUsageExtension([use === 'server' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2']),
        new SubjectAlternativeNameExtension([...names]),
      ];
      const made: X509Certificate = await X509CertificateGenerator.create({
        serialNumber: (++serial).toString(16).padStart(4, '0'),
        subject: 'CN=test',
        issuer: self.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        notBefore: new Date(Date.now() + fromDays * DAY_MS),
        notAfter: new Date(Date.now() + untilDays * DAY_MS),
        extensions,
      });
      return { cert: made.toString('pem'), key: KeyObject.from(own.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string };
    },
  };
}
