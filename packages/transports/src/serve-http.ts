import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConflictError, type Hub, UnavailableError } from '@meshwork/core';
import { createFetchHandler, type FetchHandler, type FetchHandlerOptions } from './fetch-handler.ts';
import { errorResponse } from './json-rpc-response.ts';
import { readBytes } from './read-body.ts';

export interface ServeHttpOptions extends FetchHandlerOptions {
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** Port; 0 picks a free one. Default 3001. */
  readonly port?: number;
  /** Path of the endpoint. Default `/mcp`. */
  readonly path?: string;
}

export interface HttpServer extends AsyncDisposable {
  /** The endpoint, as clients on this machine or network reach it. */
  readonly url: string;
  readonly port: number;
  /** Stops listening, ends open streams and waits for answers under way (at most 5 seconds). */
  close(): Promise<void>;
}

/**
 * Serves a hub over HTTP on Node: a thin adapter around `createFetchHandler`.
 *
 * @throws {ConflictError} when the port is taken, {@link UnavailableError} when the address cannot be listened on.
 */
export async function serveHttp(hub: Hub, options: ServeHttpOptions): Promise<HttpServer> {
  const { host = '127.0.0.1', port = 3001, path = '/mcp' } = options;
  const handler = createFetchHandler(hub, options);
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000, maxHeaderSize: 16_384 }, (request, response) => {
    void serve(request, response, handler, path).catch((error) => {
      options.onError?.(error);
      response.destroy();
    });
  });
  await listen(server, port, host);
  const { port: boundPort } = server.address() as AddressInfo;
  const shownHost = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= stop(server, handler);
    return closed;
  };
  return { url: `http://${shownHost}:${boundPort}${path}`, port: boundPort, close, [Symbol.asyncDispose]: close };
}

async function serve(incoming: IncomingMessage, outgoing: ServerResponse, handler: FetchHandler, path: string): Promise<void> {
  const target = (incoming.url ?? '/').split('?', 1)[0];
  if (target !== path) return send(errorResponse(404, -31404, `there is nothing here; the endpoint is ${path}`), outgoing);
  const gone = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  const { method = 'GET', socket } = incoming;
  const request = new Request(`http://hub${path}`, { method, headers: headersOf(incoming), signal: gone.signal });
  // Read even when the request will be refused: an unread body would cut the connection before the refusal is seen.
  const body = method === 'POST' ? await readBytes(incoming as AsyncIterable<Uint8Array>, handler.maxBodyBytes) : undefined;
  const response = await handler(request, {
    ...(socket.remoteAddress !== undefined && { remoteAddress: socket.remoteAddress }),
    ...(socket.localAddress !== undefined && { localAddress: socket.localAddress }),
    encrypted: 'encrypted' in socket,
    ...(body !== undefined && { body }),
  });
  if (body === 'too-large') outgoing.setHeader('connection', 'close');
  await send(response, outgoing);
}

function headersOf({ headersDistinct }: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct)) for (const value of values) headers.append(name, value);
  return headers;
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) {
    outgoing.end();
    return;
  }
  if (!response.headers.get('content-type')?.includes('text/event-stream')) {
    outgoing.end(Buffer.from(await response.arrayBuffer()));
    return;
  }
  outgoing.flushHeaders();
  const reader = response.body.getReader();
  outgoing.once('close', () => void reader.cancel().catch(() => {}));
  for (;;) {
    const { done, value } = await reader.read();
    if (done || outgoing.destroyed) break;
    if (!outgoing.write(value)) await new Promise<void>((resolve) => outgoing.once('drain', resolve).once('close', resolve));
  }
  outgoing.end();
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRINUSE')
        reject(new ConflictError(`port ${port} on ${host} is taken; stop what listens there, or choose another port (0 picks a free one)`, { cause }));
      else reject(new UnavailableError(`cannot listen on ${host} port ${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

async function stop(server: Server, handler: FetchHandler): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await handler.close();
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), 5_000);
  await closed;
  clearTimeout(force);
}
