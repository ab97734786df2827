import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { UnavailableError } from '@meshwork/core';
import type { ResolvedAddress } from './resolve-host.ts';

export interface PinnedRequest {
  readonly url: URL;
  /** The addresses that were looked at; the connection goes to one of them and asks no name server again. */
  readonly addresses: readonly ResolvedAddress[];
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly maxBytes: number;
  /** Certificates to trust, in PEM, in place of the machine's. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
}

/** Sends one request on a connection of its own, and reads the whole answer. @throws {UnavailableError} */
export function sendPinned({ url, addresses, method, headers, body, maxBytes, ca, signal }: PinnedRequest): Promise<Response> {
  return new Promise((resolve, reject) => {
    const fail = (what: string) => reject(new UnavailableError(`${url.host} ${what}`));
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const sent = send(
      url,
      { method, headers: { ...headers, 'accept-encoding': 'identity' }, agent: false, lookup: pinnedTo(addresses), signal, ...(ca !== undefined && { ca }) },
      (answer) => {
        // The status is asked for before the body: where a redirect leads is never looked at.
        const { statusCode = 0 } = answer;
        if (statusCode >= 300 && statusCode < 400) {
          fail('answers with a redirect, which is not followed; configure the address it moved to');
          return void answer.destroy();
        }
        readWhole(answer, maxBytes).then(
          (bytes) => {
            if (bytes === undefined) return fail(`answers with more than ${maxBytes} bytes`);
            resolve(responseOf(answer, bytes));
          },
          () => fail('broke its answer off'),
        );
      },
    );
    sent.on('error', () => fail('cannot be reached'));
    sent.end(body);
  });
}

/** A lookup that knows its answer already. `node:net` asks for one address or for all. */
function pinnedTo(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
}

async function readWhole(answer: IncomingMessage, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer) {
    length += (chunk as Buffer).length;
    // Leaving the loop destroys the connection.
    if (length > maxBytes) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

const WITHOUT_BODY = new Set([204, 205, 304]);

function responseOf({ statusCode = 502, headers }: IncomingMessage, bytes: Uint8Array): Response {
  const kept = new Headers();
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) kept.set(name, Array.isArray(value) ? value.join(', ') : value);
  return new Response(WITHOUT_BODY.has(statusCode) ? null : (bytes as Uint8Array<ArrayBuffer>), { status: statusCode, headers: kept });
}
