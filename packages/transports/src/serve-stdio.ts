import type { Readable, Writable } from 'node:stream';
import type { Hub, Principal } from '@meshwork/core';
import { createLineTransport } from './line-transport.ts';
import { serveTransport } from './serve-transport.ts';

export interface ServeStdioOptions {
  /** Who is at the other end: the environment that started the process vouches for it (MCP 2026-07-28, authorization: stdio). */
  readonly principal: Principal;
  /** Default `process.stdin` and `process.stdout`. */
  readonly input?: Readable;
  readonly output?: Writable;
  /** Largest message, in bytes. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Milliseconds a call may take. Default 300,000. */
  readonly callTimeoutMs?: number;
  readonly onError?: (error: unknown) => void;
}

export interface StdioServer extends AsyncDisposable {
  /** Resolves when the other end has gone or `close` was called. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** Serves a hub to the one client at the other end of a pair of streams, in every revision the SDK knows. */
export async function serveStdio(hub: Hub, options: ServeStdioOptions): Promise<StdioServer> {
  const { principal, input = process.stdin, output = process.stdout, maxMessageBytes = 2 ** 20, callTimeoutMs = 300_000, onError = () => {} } = options;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const transport = createLineTransport({ input, output, maxMessageBytes, onEnd: resolve });
  const handle = serveTransport(hub, { principal, face: 'stdio', transport, callTimeoutMs, onError });
  const close = async () => {
    await handle.close();
    await transport.close();
  };
  return { closed, close, [Symbol.asyncDispose]: close };
}
