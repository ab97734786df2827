import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { ConflictError, type Hub, UnavailableError } from '@meshwork/core';
import { createWebSocketHost, type WebSocketHost, type WebSocketOptions } from '../streams/web-socket-host.ts';
import type { Callers } from './callers.ts';
import { answerGarbled } from './garbled-requests.ts';
import { createHttpFaces, type HttpFaces, type HttpFacesOptions } from './http-faces.ts';
import { createListener, type ListenerOptions } from './listener.ts';
import { NodeRequest, sendResponse } from './node-http.ts';
import { shownHost } from './shown-host.ts';
import { createSlowAnswers, type SlowAnswers } from './slow-answers.ts';
import { createSlowBodies, type SlowBodies } from './slow-bodies.ts';

export interface ServeHttpOptions extends HttpFacesOptions, ListenerOptions {
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** Port; 0 picks a free one. Default 3001. */
  readonly port?: number;
  /** Milliseconds a client has to send the headers of a request, and all of a request. Default 10,000 and 30,000. */
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** Milliseconds after which a reader that takes nothing of its answer is cut. Default 30,000. */
  readonly stallMs?: number;
  /** Bytes of answers that may wait for slow readers, and of bodies that have not come to their end; beyond, whoever takes longest is cut. Default 256 MiB. */
  readonly maxWaitingBytes?: number;
  /** Connections in all. Default 20,000. */
  readonly maxConnections?: number;
  /** Limits of WebSocket connections, which are made by an upgrade on the same port and path; false takes none. */
  readonly webSocket?: WebSocketOptions | false;
}

export interface HttpServer extends AsyncDisposable {
  /** The endpoint, as clients on this machine or network reach it. */
  readonly url: string;
  readonly port: number;
  /** Sends an event to every open HTTP+SSE stream; returns to how many. @throws {TypeError} when the name is MCP's own or not a plain word. */
  broadcast(event: string, data: unknown): number;
  /**
   * Stops listening, waits for calls under way and for readers of their answers, tells the callers of those that take too long that they are
   * cancelled, then ends streams.
   */
  close(): Promise<void>;
}

/**
 * Serves a hub over HTTP on Node: a thin adapter around the faces that `createFetchHandler` shows elsewhere.
 *
 * @throws {ConflictError} when the port is taken, {@link UnavailableError} when the address cannot be listened on,
 *   {@link InvalidInputError} when the certificates or networks are none.
 */
export async function serveHttp(hub: Hub, options: ServeHttpOptions): Promise<HttpServer> {
  const { host = '127.0.0.1', port = 3001, path = '/mcp', onError = () => {} } = options;
  const { headersTimeoutMs = 10_000, requestTimeoutMs = 30_000, stallMs = 30_000, maxWaitingBytes = 256 * 2 ** 20 } = options;
  const faces = createHttpFaces(hub, options);
  const slow = createSlowAnswers({ stallMs, maxWaitingBytes });
  const bodies = createSlowBodies({ maxBytes: maxWaitingBytes });
  const { maxConnections = 20_000, ...shared } = options;
  const { closeGraceMs = 5_000 } = options;
  const { server, callers, isSecure, unused, release } = createListener({
    ...shared,
    maxConnections,
    server: {
      requestTimeout: requestTimeoutMs,
      headersTimeout: headersTimeoutMs,
      // Often, so that few are late at a time: cutting hundreds at once would keep the others waiting.
      connectionsCheckingInterval: Math.min(headersTimeoutMs, requestTimeoutMs) / 20,
      keepAliveTimeout: 65_000,
      maxHeaderSize: 16_384,
      ...(options.webSocket !== false && upgradesToWebSocketOnly),
    },
    onRequest(incoming, outgoing) {
      void serve(incoming, outgoing, { server, callers, faces, slow, bodies }).catch((error) => {
        onError(error);
        outgoing.destroy();
      });
    },
    onError,
  });
  server.maxHeadersCount = 0; // The door counts them; Node would leave the rest out without a word.
  server.on('clientError', answerGarbled({ recorder: options.recorder, onError }));
  const sockets = options.webSocket === false ? undefined : createWebSocketHost(hub, { ...shared, ...options.webSocket });
  // A server that listens for upgrades leaves them to the listener: without WebSocket they are requests like others.
  if (sockets !== undefined) server.on('upgrade', ({ socket }) => unused.delete(socket)).on('upgrade', sockets.upgrade);
  await listen(server, port, host);
  const { port: boundPort } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= stop(server, { faces, sockets, slow, unused, release, closeGraceMs });
    return closed;
  };
  return {
    url: `${isSecure ? 'https' : 'http'}://${shownHost(host)}:${boundPort}${path}`,
    port: boundPort,
    broadcast: faces.broadcast,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A client that offers another upgrade, as some do with HTTP/2, is answered over HTTP as if it had not (Node 24.9 and newer). */
const upgradesToWebSocketOnly = { shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket' };

interface Serving {
  readonly server: Server;
  readonly callers: Callers;
  readonly faces: HttpFaces;
  readonly slow: SlowAnswers;
  readonly bodies: SlowBodies;
}

async function serve(incoming: IncomingMessage, outgoing: ServerResponse, { server, callers, faces, slow, bodies }: Serving): Promise<void> {
  const request = new NodeRequest(incoming, outgoing, callers, bodies);
  const answer = await faces.handle(request);
  // The body of a refused request is thrown away as it comes; but not without end.
  if (request.isTooLarge || !server.listening) outgoing.shouldKeepAlive = false;
  await sendResponse(answer, outgoing, slow);
}

export function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRINUSE')
        reject(new ConflictError(`port ${port} on ${host} is taken; stop what listens there, or choose another port (0 picks a free one)`, { cause }));
      else reject(new UnavailableError(`cannot listen on ${host} port ${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

/** Milliseconds that are waited for those who have not ended what they began, and for readers of last answers however short the grace is. */
const READ_MS = 1_000;

interface Parts {
  readonly faces: HttpFaces;
  readonly sockets: WebSocketHost | undefined;
  readonly slow: SlowAnswers;
  /** Browsers and Node's own client open connections ahead of need; Node does not count those as idle when a server closes. */
  readonly unused: ReadonlySet<Socket>;
  readonly release: () => void;
  readonly closeGraceMs: number;
}

async function stop(server: Server, { faces, sockets, slow, unused, release, closeGraceMs }: Parts): Promise<void> {
  release();
  const graceUntil = performance.now() + closeGraceMs;
  // Node takes connections for idle whose answers are written and not taken yet, and its own `close` would cut them.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  if (!slow.some) server.closeIdleConnections();
  await Promise.all([faces.close(), sockets?.close()]);
  const written = slow.written(Math.max(READ_MS, graceUntil - performance.now()));
  void written.then(() => server.closeIdleConnections());
  for (const socket of unused) socket.destroy();
  // Every answer is there: who reads one has what is left of the grace for it.
  const force = setTimeout(async () => {
    await written;
    server.closeAllConnections();
  }, READ_MS);
  await closed;
  clearTimeout(force);
  // Ends the timer with which Node looks for late requests.
  server.close(() => {});
}
