import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { type CallerRules, type Callers, createCallers } from './callers.ts';
import { type ConnectionCaps, guardConnections } from './connection-gate.ts';
import { contextOf, serverTls, type TlsOptions } from './tls.ts';

export interface ListenerOptions extends CallerRules, Pick<ConnectionCaps, 'maxConnectionsPerAddress'> {
  /** Speaks TLS on the port, and nothing else. Default: plain text, for this machine or behind a proxy. */
  readonly tls?: TlsOptions;
}

interface Parts extends ListenerOptions, ConnectionCaps {
  readonly server: ServerOptions;
  readonly onRequest: RequestListener;
  readonly onError: (error: unknown) => void;
}

/** Node's server, plain or with TLS, behind the checks that need no request. */
export interface Listener {
  readonly server: Server;
  readonly callers: Callers;
  readonly isSecure: boolean;
  /** Connections that have carried nothing yet: Node does not count them as idle, nor those in a handshake as its own. */
  readonly unused: Set<Socket>;
  /** To be called when the server no longer listens. */
  release(): void;
}

/** @throws {InvalidInputError} when the certificates or the addresses are none. */
export function createListener({ server: options, tls, onRequest, onError, ...rules }: Parts): Listener {
  const callers = createCallers(rules);
  const server = tls === undefined ? createServer(options, onRequest) : createSecureServer({ ...options, ...serverTls(tls), ...contextOf(tls) }, onRequest);
  guardConnections(server, callers, rules);
  const unused = new Set<Socket>();
  const watch = (socket: Socket) => {
    if (socket.destroyed) return;
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  };
  const shakingHands = new Map<string, Socket>();
  if (tls === undefined) server.on('connection', watch);
  else {
    server.on('connection', (socket) => {
      const key = keyOf(socket);
      shakingHands.set(key, socket);
      watch(socket);
      socket.once('close', () => shakingHands.get(key) === socket && shakingHands.delete(key));
    });
    server.on('secureConnection', (socket: Socket) => {
      const raw = shakingHands.get(keyOf(socket));
      if (raw !== undefined) unused.delete(raw);
      shakingHands.delete(keyOf(socket));
      watch(socket);
    });
  }
  server.on('request', ({ socket }) => unused.delete(socket));
  const stop = tls !== undefined && 'source' in tls ? reloadOnChange(server as SecureServer, tls, onError) : () => {};
  return { server, callers, isSecure: tls !== undefined, unused, release: stop };
}

function reloadOnChange(server: SecureServer, tls: Extract<TlsOptions, { source: unknown }>, onError: (error: unknown) => void): () => void {
  return tls.source.onChange(() => {
    try {
      // Connections that are open keep what they began with.
      server.setSecureContext(contextOf(tls));
    } catch (error) {
      onError(error);
    }
  });
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
