import type { Readable, Writable } from 'node:stream';
import type { Hub, Principal } from '@meshwork/core';
import type { DoorRecorder } from '../door-recorder.ts';
import { createFanOut } from '../mcp/fan-out.ts';
import { createStateCodec } from '../mcp/state-codec.ts';
import { frameRecorder } from './frame-refusals.ts';
import { createLineTransport, type LineTransport } from './line-transport.ts';
import { type ConnectionLimits, serveTransport } from './serve-transport.ts';

export interface ServeStdioOptions extends ConnectionLimits {
  /** Who is at the other end: the environment that started the process vouches for it (MCP 2026-07-28, authorization: stdio). */
  readonly principal: Principal;
  /** Default `process.stdin` and `process.stdout`. */
  readonly input?: Readable;
  readonly output?: Writable;
  /** Largest message, in bytes. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Bytes that may wait for the other end to read them before it is cut off. Default 4 MiB. */
  readonly maxQueuedBytes?: number;
  /** Milliseconds after which an other end that reads nothing is cut off. Default 30,000. */
  readonly stallMs?: number;
  /** Milliseconds `close` waits for calls under way. Default 5,000. */
  readonly closeGraceMs?: number;
  /** Keeps a record of every line that is refused before it is a call. */
  readonly recorder?: DoorRecorder;
  readonly onError?: (error: unknown) => void;
}

export interface StdioServer extends AsyncDisposable {
  /** Resolves when the other end has gone or `close` was called. */
  readonly closed: Promise<void>;
  /** Waits for calls under way, and for the other end to read their answers: whoever ends the process after that loses none. */
  close(): Promise<void>;
}

/** Serves a hub to the one client at the other end of a pair of streams, in every revision the SDK knows. */
export async function serveStdio(hub: Hub, options: ServeStdioOptions): Promise<StdioServer> {
  const { principal, input = process.stdin, output = process.stdout, maxMessageBytes = 2 ** 20, closeGraceMs = 5_000, onError = () => {} } = options;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const fanOut = createFanOut(hub, onError);
  const record = frameRecorder(options.recorder, () => ({ face: 'stdio', principal: principal.id }), onError);
  const wire = createLineTransport({ ...options, record, input, output, maxMessageBytes, onEnd: resolve });
  const served = serveTransport(hub, {
    ...options,
    principal: () => principal,
    face: 'stdio',
    wire,
    fanOut,
    record,
    stateCodec: createStateCodec(),
    onEnd: () => fanOut.close(),
    onError,
  });
  const close = async () => {
    const graceUntil = performance.now() + closeGraceMs;
    await served.close(closeGraceMs);
    await takenWithin(Math.max(0, graceUntil - performance.now()), wire);
    await wire.close();
  };
  return { closed, close, [Symbol.asyncDispose]: close };
}

/** Waits until the other end has read what was written, or the time is over. */
async function takenWithin(ms: number, { caughtUp }: LineTransport): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  const tooLate = new Promise<void>((resolve) => {
    late = setTimeout(resolve, ms);
  });
  await Promise.race([caughtUp?.(), tooLate]);
  clearTimeout(late);
}
