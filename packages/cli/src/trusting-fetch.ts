import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
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

/** Milliseconds a connection that nobody uses is kept: longer than hubs are silent, and not for long, since the other side may vanish without a word. */
const KEPT_MS = 10_000;

/**
 * A `fetch` with these certificates, which Node's own takes for no single request, on connections that are kept for the next one. It follows no redirect. A small
 * message takes half the time that it takes Node's own.
 */
export function createTrustingFetch(identity: TlsIdentity = {}): FetchLike {
  const kept = { keepAlive: true, timeout: KEPT_MS };
  const plain = new HttpAgent(kept);
  const secure = new HttpsAgent({ ...kept, ...identity });
  return async (target, init = {}) => {
    const url = new URL(target);
    const { method, headers, body, signal } = await partsOf(url, init);
    signal?.throwIfAborted();
    const isSecure = url.protocol === 'https:';
    const options = { method, headers, agent: isSecure ? secure : plain };
    return new Promise((resolve, reject) => {
      const abort = () => void sent.destroy(signal?.reason);
      const fail = (error: unknown) => reject(signal?.aborted ? signal.reason : error);
      const onAnswer = (incoming: IncomingMessage) => void answerOf(incoming, method).then(resolve, fail);
      const sent = isSecure ? requestHttps(url, options, onAnswer) : requestHttp(url, options, onAnswer);
      signal?.addEventListener('abort', abort);
      sent.on('close', () => signal?.removeEventListener('abort', abort));
      sent.on('error', fail).end(body);
    });
  };
}

interface Parts {
  readonly method: string;
  readonly headers: Record<string, string | number>;
  readonly body: string | Uint8Array | undefined;
  readonly signal: AbortSignal | null | undefined;
}

/** A `Request` is made only of what is not plain: it costs more than the rest. */
async function partsOf(url: URL, init: RequestInit): Promise<Parts> {
  const { method = 'GET', signal } = init;
  if (init.body == null) return { method, headers: Object.fromEntries(new Headers(init.headers)), body: undefined, signal };
  if (typeof init.body === 'string') {
    const headers = { 'content-type': 'text/plain;charset=UTF-8', ...Object.fromEntries(new Headers(init.headers)) };
    return { method, headers: { ...headers, 'content-length': Buffer.byteLength(init.body) }, body: init.body, signal };
  }
  const wanted = new Request(url, init);
  const body = new Uint8Array(await wanted.arrayBuffer());
  return { method, headers: { ...Object.fromEntries(wanted.headers), 'content-length': body.length }, body, signal };
}

/** What streams is given as it comes; anything else once it is there. */
async function answerOf(incoming: IncomingMessage, method: string): Promise<Response> {
  const { statusCode: status = 500, rawHeaders, headers } = incoming;
  const answered = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) answered.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
  const isEmpty = status === 204 || status === 304 || method === 'HEAD';
  if (isEmpty) incoming.resume();
  if (isEmpty) return new Response(null, { status, headers: answered });
  if (!headers['content-type']?.startsWith('application/json')) return new Response(Readable.toWeb(incoming) as ReadableStream, { status, headers: answered });
  return new Response(await textOf(incoming), { status, headers: answered });
}

/** By events: an async iterator or a stream of the Web costs more than the rest of reading it. */
function textOf(incoming: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (chunk: string) => {
      text += chunk;
    });
    incoming.on('end', () => resolve(text));
    incoming.on('error', reject);
  });
}

async function readPem(file: string, kind: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw usageError(`the file ${file} cannot be read; check that it is there and yours`);
  });
  if (!new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(text)) throw usageError(`the file ${file} holds no ${kind.toLowerCase()} in PEM`);
  return text;
}
