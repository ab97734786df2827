import { chmod, lstat, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { ConflictError, type Hub, type Principal, UnavailableError, zoneTrust } from '@meshwork/core';
import type { DoorRecorder } from '../door-recorder.ts';
import { createFanOut } from '../mcp/fan-out.ts';
import { createStateCodec } from '../mcp/state-codec.ts';
import { frameRecorder } from './frame-refusals.ts';
import { hangUp } from './hang-up.ts';
import { createLineTransport } from './line-transport.ts';
import { type ConnectionLimits, type ServedTransport, serveTransport } from './serve-transport.ts';

/** What is known of the other end of a socket. */
export interface SocketPeer {
  /** Absent on a Unix socket: whoever may open its file may connect. */
  readonly remoteAddress?: string;
  readonly remotePort?: number;
}

/** Says who is at the other end, or `undefined` to refuse it. */
export type SocketAuthenticator = (peer: SocketPeer) => Principal | undefined | Promise<Principal | undefined>;

/** A Unix socket, which only its owner can open, or a TCP port, which anybody can: there somebody has to say who it is. */
export type SocketPlace =
  | { readonly path: string; readonly principal?: Principal; readonly authenticate?: SocketAuthenticator }
  | { readonly port: number; readonly host?: string; readonly authenticate: SocketAuthenticator };

export type ServeSocketOptions = SocketPlace &
  ConnectionLimits & {
    /** Largest message, in bytes. Default 1 MiB. */
    readonly maxMessageBytes?: number;
    /** Bytes that may wait for a slow reader before it is cut off. Default 4 MiB. */
    readonly maxQueuedBytes?: number;
    /** Milliseconds after which a reader that takes nothing is cut off. Default 30,000. */
    readonly stallMs?: number;
    /** Connections at once. Default 100. */
    readonly maxConnections?: number;
    /** Milliseconds a connection has to send its first message. Default 10,000. */
    readonly helloMs?: number;
    /** Milliseconds `close` waits for calls under way. Default 5,000. */
    readonly closeGraceMs?: number;
    /** Keeps a record of every line that is refused before it is a call. */
    readonly recorder?: DoorRecorder;
    readonly onError?: (error: unknown) => void;
  };

export interface SocketServer extends AsyncDisposable {
  /** Where it listens, for `connectSocket`. */
  readonly address: { readonly path: string } | { readonly host: string; readonly port: number };
  /** Stops listening, waits for calls under way, then ends every connection and removes the socket's file. */
  close(): Promise<void>;
}

/**
 * Serves a hub to programs on this machine: newline-delimited JSON-RPC (MCP 2026-07-28, stdio framing) over a Unix socket with mode 0600. Its
 * callers are the user who runs the hub, unless `principal` or `authenticate` say otherwise.
 *
 * @throws {ConflictError} when another hub listens there, or the path is a file that is no socket; {@link UnavailableError} when it cannot be
 * listened on.
 */
export async function serveSocket(hub: Hub, options: ServeSocketOptions): Promise<SocketServer> {
  const { maxMessageBytes = 2 ** 20, maxConnections = 100, helloMs = 10_000, closeGraceMs = 5_000, onError = () => {} } = options;
  const whoIs = authenticatorOf(options);
  const fanOut = createFanOut(hub, onError);
  const stateCodec = createStateCodec();
  const served = new Map<Socket, ServedTransport>();
  let graceUntil = 0;

  const serve = (socket: Socket, principal: Principal) => {
    const address = socket.remoteAddress;
    const record = frameRecorder(options.recorder, () => ({ face: 'stdio', principal: principal.id, address }), onError);
    const wire = createLineTransport({
      ...options,
      record,
      input: socket,
      output: socket,
      maxMessageBytes,
      garbage: 'cut-opening',
      onEnd: () => hangUp(socket, graceUntil - performance.now()),
    });
    const transport = serveTransport(hub, { ...options, principal: () => principal, face: 'stdio', wire, fanOut, record, stateCodec, onError });
    served.set(socket, transport);
    // Who connects and has nothing to say would keep others out.
    const silent = setTimeout(() => wire.greeted || socket.destroy(), helloMs);
    silent.unref();
    socket.once('close', () => {
      clearTimeout(silent);
      served.delete(socket);
    });
  };
  const server = createServer({ allowHalfOpen: false, noDelay: true }, async (socket) => {
    socket.on('error', () => {}); // A program that breaks off is no news.
    try {
      const { remoteAddress, remotePort } = socket;
      const principal = await whoIs({ ...(remoteAddress !== undefined && { remoteAddress }), ...(remotePort !== undefined && { remotePort }) });
      if (principal === undefined) socket.destroy();
      else if (!socket.destroyed) serve(socket, principal);
    } catch (error) {
      onError(error);
      socket.destroy();
    }
  });
  server.maxConnections = maxConnections;
  try {
    if ('path' in options) await listenOnPath(server, options.path);
    else await listenOn(server, () => server.listen(options.port, options.host ?? '127.0.0.1'));
  } catch (error) {
    fanOut.close();
    throw error;
  }

  const stop = async () => {
    graceUntil = performance.now() + closeGraceMs;
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
    await Promise.all(
      [...served].map(async ([socket, transport]) => {
        const cut = setTimeout(() => socket.destroy(), closeGraceMs + 1_000);
        await transport.close(closeGraceMs);
        clearTimeout(cut);
      }),
    );
    await stopped;
    fanOut.close();
  };
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= stop();
    return closed;
  };
  const bound = server.address();
  const address = typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : { path: String(bound) };
  return { address, close, [Symbol.asyncDispose]: close };
}

function authenticatorOf(options: SocketPlace): SocketAuthenticator {
  if (options.authenticate !== undefined) return options.authenticate;
  const principal = ('principal' in options ? options.principal : undefined) ?? processOwner();
  return () => principal;
}

/** The user who runs this process: only they can open a file of mode 0600. */
function processOwner(): Principal {
  return { id: userInfo().username, kind: 'user', roles: [], zone: 'local', trust: zoneTrust.local, method: 'process-owner', actsFor: [] };
}

async function listenOnPath(server: Server, path: string): Promise<void> {
  const listen = () => {
    // The file is made inside the call, so no other can open it before its mode is right. Worker threads have no mask to set.
    let mask: number | undefined;
    try {
      mask = process.umask(0o177);
    } catch {}
    try {
      server.listen(path);
    } finally {
      if (mask !== undefined) process.umask(mask);
    }
  };
  try {
    await listenOn(server, listen);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    await removeStale(path);
    await listenOn(server, listen);
  }
  await chmod(path, 0o600);
}

function listenOn(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => {
      server.off('listening', onListening);
      if (cause.code === 'EADDRINUSE') reject(new ConflictError(`another hub listens there: ${cause.message}`, { cause }));
      else reject(new UnavailableError(`cannot listen there: ${cause.message}`, { cause }));
    };
    const onListening = () => {
      server.off('error', onError);
      resolve();
    };
    server.once('error', onError).once('listening', onListening);
    listen();
  });
}

/** Takes away the file of a hub that ended without doing so. Nothing is taken away that answers, or is no socket. */
async function removeStale(path: string): Promise<void> {
  const file = await lstat(path);
  if (!file.isSocket()) throw new ConflictError(`${path} is there already and is no socket; choose another path`);
  if (await answers(path)) throw new ConflictError(`another hub listens on ${path}; stop it, or choose another path`);
  // Another hub may have come to the same conclusion and listen by now: what is moved away must be what was looked at.
  const aside = `${path}.${process.pid}.stale`;
  await rename(path, aside);
  if ((await lstat(aside)).ino !== file.ino) {
    await rename(aside, path);
    throw new ConflictError(`another hub has begun to listen on ${path}`);
  }
  await rm(aside);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const done = (answer: boolean) => {
      probe.destroy();
      resolve(answer);
    };
    probe.once('connect', () => done(true));
    // Only this means that nobody is there; a hub that is too busy to answer is there.
    probe.once('error', (error: NodeJS.ErrnoException) => done(error.code !== 'ECONNREFUSED'));
  });
}
