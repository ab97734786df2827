import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { Readable } from 'node:stream';
import { usageError } from './cli-error.ts';

/** `fetch` as far as the client needs it. */
export type FetchLike = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** The certificates in a file. @throws {CliError} when it cannot be read, or holds none. */
export async function readAuthorities(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw usageError(`the file ${file} with the hub's authority cannot be read`);
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw usageError(`${file} holds no certificate in PEM; pass the ca.crt of whoever runs the hub`);
  return text;
}

/** A `fetch` over https that trusts these authorities and no others. Node's own takes none for one request. */
export function createTrustingFetch(ca: string): FetchLike {
  return async (url, init = {}) => {
    // What the client sends is text; a `Request` gives it a length and a type.
    const wanted = new Request(url, init);
    const body = init.body == null ? undefined : Buffer.from(await wanted.arrayBuffer());
    const headers = { ...Object.fromEntries(wanted.headers), ...(body !== undefined && { 'content-length': String(body.length) }) };
    return new Promise((resolve, reject) => {
      request(url, { method: wanted.method, headers, ca, signal: wanted.signal }, (incoming) => {
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
