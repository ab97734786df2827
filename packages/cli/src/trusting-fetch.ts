import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { Readable } from 'node:stream';
import { usageError } from './cli-error.ts';

/** `fetch` as far as the client needs it. */
export type FetchLike = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** What this side brings to TLS, in PEM. */
export interface TlsIdentity {
  /** The authorities a hub's certificate may be from. Default: those of this machine. */
  readonly ca?: string;
  /** The certificate this side shows when it is asked for one, and its key. */
  readonly cert?: string;
  readonly key?: string;
}

/** Files of a {@link TlsIdentity}. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly certKey?: string | undefined;
}

/** Reads what there is; `undefined` when nothing was given. @throws {CliError} when a file cannot be used. */
export async function readTlsIdentity({ ca, cert, certKey }: TlsFiles): Promise<TlsIdentity | undefined> {
  if (ca === undefined && cert === undefined && certKey === undefined) return undefined;
  if ((cert === undefined) !== (certKey === undefined)) throw usageError('a certificate needs its key; pass both --cert and --cert-key');
  return {
    ...(ca !== undefined && { ca: await readPem(ca, 'CERTIFICATE') }),
    ...(cert !== undefined && { cert: await readPem(cert, 'CERTIFICATE') }),
    ...(certKey !== undefined && { key: await readPem(certKey, 'PRIVATE KEY') }),
  };
}

/** A `fetch` over https with these certificates. Node's own takes none for one request. */
export function createTrustingFetch(identity: TlsIdentity): FetchLike {
  return async (url, init = {}) => {
    const wanted = new Request(url, init);
    const body = init.body == null ? undefined : Buffer.from(await wanted.arrayBuffer());
    const headers = { ...Object.fromEntries(wanted.headers), ...(body !== undefined && { 'content-length': String(body.length) }) };
    return new Promise((resolve, reject) => {
      request(url, { method: wanted.method, headers, signal: wanted.signal, ...identity }, (incoming) => {
        const { statusCode: status = 500, rawHeaders } = incoming;
        const answered = new Headers();
        for (let at = 0; at + 1 < rawHeaders.length; at += 2) answered.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
        const isEmpty = status === 204 || status === 304 || wanted.method === 'HEAD';
        if (isEmpty) incoming.resume();
        resolve(new Response(isEmpty ? null : (Readable.toWeb(incoming) as ReadableStream), { status, headers: answered }));
      })
        .on('error', reject)
        .end(body);
    });
  };
}

async function readPem(file: string, kind: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw usageError(`the file ${file} cannot be read; check that it is there and yours`);
  });
  if (!new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(text)) throw usageError(`the file ${file} holds no ${kind.toLowerCase()} in PEM`);
  return text;
}
