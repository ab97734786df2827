import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { type Clock, InvalidInputError, systemClock } from '@meshwork/core';
import type { TlsMaterial, TlsSource } from './tls.ts';

export interface WatchCertificatesOptions {
  /** Files in PEM: the certificate with those between it and its authority, its key, and the authorities of clients. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile?: string;
  /** Is told that new files cannot be used, and why; the old ones stay in use. */
  readonly onRejected?: (error: InvalidInputError) => void;
  /** Calls `look` again and again until the function returned is called. Default: every ten seconds. */
  readonly repeat?: (look: () => void) => () => void;
  readonly clock?: Clock;
}

/** Certificates in files, and whoever uses them told when they change. */
export interface WatchedCertificates extends TlsSource, Disposable {
  /** Looks at the files now, and takes them when they have changed and fit. */
  look(): Promise<void>;
  close(): void;
}

/**
 * Certificates from files that may be replaced at any time, as by a renewal. File events are lost on many systems, so the files are looked at
 * again and again. A certificate and key that do not fit, as when only one of them is there yet, are not taken.
 *
 * @throws {InvalidInputError} when the files cannot be used at the start.
 */
export async function watchCertificates(options: WatchCertificatesOptions): Promise<WatchedCertificates> {
  const { onRejected = () => {}, repeat = everyTenSeconds, clock = systemClock } = options;
  let seen = await signatureOf(options);
  let material = await read(options, clock);
  const listeners = new Set<() => void>();
  const lookOnce = async () => {
    const signature = await signatureOf(options);
    if (signature === seen) return;
    seen = signature;
    try {
      material = await read(options, clock);
    } catch (error) {
      return onRejected(error as InvalidInputError);
    }
    for (const listener of listeners) listener();
  };
  // One look at a time: of two, the older could come to its end last.
  let last = Promise.resolve();
  const look = () => {
    last = last.then(lookOnce);
    return last;
  };
  const close = repeat(() => void look());
  return {
    current: () => material,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    look,
    close,
    [Symbol.dispose]: close,
  };
}

function everyTenSeconds(look: () => void): () => void {
  const timer = setInterval(look, 10_000).unref();
  return () => clearInterval(timer);
}

/** What a change of any of the files changes. */
async function signatureOf({ certFile, keyFile, caFile }: WatchCertificatesOptions): Promise<string> {
  const parts = [certFile, keyFile, ...(caFile === undefined ? [] : [caFile])].map(async (file) => {
    const found = await stat(file, { bigint: true }).catch(() => undefined);
    return found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
  });
  return (await Promise.all(parts)).join('\n');
}

async function read({ certFile, keyFile, caFile }: WatchCertificatesOptions, clock: Clock): Promise<TlsMaterial> {
  const [cert, key, ca] = await Promise.all([textOf(certFile), textOf(keyFile), caFile === undefined ? undefined : textOf(caFile)]);
  const parsed = parse(certFile, () => new X509Certificate(cert));
  if (!parsed.checkPrivateKey(parse(keyFile, () => createPrivateKey(key))))
    throw new InvalidInputError(`the key in ${keyFile} is not that of the certificate in ${certFile}; give the two that were made together`);
  if (Date.parse(parsed.validTo) <= clock.now())
    throw new InvalidInputError(`the certificate in ${certFile} expired on ${new Date(parsed.validTo).toISOString()}; renew it`);
  if (ca === undefined || caFile === undefined) return { cert, key };
  parse(caFile, () => new X509Certificate(ca));
  return { cert, key, ca };
}

async function textOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new InvalidInputError(`${file} cannot be read; check that it is there and that the hub may read it`, { cause });
  }
}

function parse<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new InvalidInputError(`${file} holds no certificate or key in PEM that can be read`, { cause });
  }
}
