import type { AddressInfo } from 'node:net';
import type { Hub } from '@meshwork/core';
import { answerGarbled } from '../http/garbled-requests.ts';
import { createListener, type ListenerOptions } from '../http/listener.ts';
import { codeOf, recordRefusal, UNRECORDED } from '../http/refusals.ts';
import { listen } from '../http/serve-http.ts';
import { shownHost } from '../http/shown-host.ts';
import { createWebSocketHost, type WebSocketHostOptions } from './web-socket-host.ts';

export interface ServeWebSocketOptions extends WebSocketHostOptions, ListenerOptions {
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** Port; 0 picks a free one. Default 3002. */
  readonly port?: number;
  /** Milliseconds a client has to send its request to upgrade. Default 10,000. */
  readonly headersTimeoutMs?: number;
}

export interface WebSocketListener extends AsyncDisposable {
  /** The endpoint, as clients on this machine or network reach it. */
  readonly url: string;
  readonly port: number;
  /** Stops listening, waits for calls under way, then ends every connection with 1001. */
  close(): Promise<void>;
}

/**
 * Serves a hub over WebSocket alone, on a port of its own. `serveHttp` takes WebSocket connections too, on the port it has.
 *
 * @throws {ConflictError} when the port is taken, {@link UnavailableError} when the address cannot be listened on.
 */
export async function serveWebSocket(hub: Hub, options: ServeWebSocketOptions): Promise<WebSocketListener> {
  const { host = '127.0.0.1', port = 3002, path = '/mcp', headersTimeoutMs = 10_000, recorder } = options;
  const { maxConnections = 10_000, onError = () => {} } = options;
  const { server, isSecure, unused, release } = createListener({
    ...options,
    // Beside those that are open, some are on their way in or out.
    maxConnections: maxConnections + 1_000,
    server: { requestTimeout: headersTimeoutMs, headersTimeout: headersTimeoutMs, connectionsCheckingInterval: headersTimeoutMs / 4, maxHeaderSize: 16_384 },
    onRequest(incoming, outgoing) {
      incoming.resume();
      const reason = 'this port speaks WebSocket only';
      const { method, url = '/', socket } = incoming;
      const from = {
        face: 'ws',
        ...(socket.remoteAddress !== undefined && { address: socket.remoteAddress }),
        ...(method !== undefined && { method }),
      } as const;
      void recordRefusal(recorder, { ...from, path: url.replace(/\?.*$/s, ''), status: 426, code: codeOf(426), reason }, onError).then((isKept) =>
        outgoing
          .writeHead(isKept ? 426 : 503, { upgrade: 'websocket', connection: 'upgrade, close', 'content-type': 'text/plain' })
          .end(`${isKept ? reason : UNRECORDED}\n`),
      );
    },
    onError,
  });
  const sockets = createWebSocketHost(hub, options);
  server.maxHeadersCount = 0; // The door counts them.
  server
    .on('upgrade', ({ socket }) => unused.delete(socket))
    .on('upgrade', sockets.upgrade)
    .on('clientError', answerGarbled({ recorder, onError }));
  try {
    await listen(server, port, host);
  } catch (error) {
    release();
    await sockets.close();
    throw error;
  }
  const { port: boundPort } = server.address() as AddressInfo;
  const stop = async () => {
    release();
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
    await sockets.close();
    server.closeAllConnections();
    for (const socket of unused) socket.destroy();
    await stopped;
  };
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= stop();
    return closed;
  };
  return { url: `${isSecure ? 'wss' : 'ws'}://${shownHost(host)}:${boundPort}${path}`, port: boundPort, close, [Symbol.asyncDispose]: close };
}
