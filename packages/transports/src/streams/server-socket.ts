import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { closeCodes } from './close-codes.ts';
import type { RecordFrame } from './frame-refusals.ts';
import { createOutlet } from './outlet.ts';

export interface ServerSocketOptions {
  readonly socket: WebSocket;
  /** The stream under it, whose queue tells how far behind the reader is. */
  readonly stream: Duplex;
  readonly maxQueuedBytes: number;
  readonly stallMs: number;
  /** Milliseconds more that a client has to take what waits for it, once it had a second to answer the end of its connection. Default 0. */
  readonly lingerMs?: () => number;
  /** Records frames that end the connection. */
  readonly record?: RecordFrame | undefined;
  readonly onError: (error: unknown) => void;
}

/** One WebSocket at a hub's side: text frames in and out, never more waiting than is bounded. */
export interface ServerSocket {
  onFrame: (bytes: Uint8Array) => void;
  /** Called once, when it has ended or was cut; whether the client ended it on purpose. */
  onEnd: (end: { readonly clean: boolean }) => void;
  /** Sends text. A reader who is too far behind is cut instead. */
  send(text: string): void;
  /** Sends text that is within bounds already, such as what a resumed session kept. */
  replay(text: string): void;
  readonly behind: boolean;
  caughtUp(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Ends it with a code and a reason; who does not answer that is cut off. */
  end(code: number, reason: string): void;
  /** To be called at each heartbeat: ends it when the last one was not answered. */
  beat(): void;
}

/** Milliseconds a client has to answer a close frame. */
const CLOSE_MS = 1_000;

export function createServerSocket({ socket, stream, maxQueuedBytes, stallMs, lingerMs = () => 0, record, onError }: ServerSocketOptions): ServerSocket {
  let ended = false;
  let paused = false;
  let answered = true;

  const finish = (clean: boolean) => {
    if (ended) return;
    ended = true;
    self.onEnd({ clean });
  };
  const end = (code: number, reason: string) => {
    socket.close(code, reason);
    const cut = () => socket.terminate();
    setTimeout(() => {
      if (stream.writableLength === 0) cut();
      else setTimeout(cut, lingerMs()).unref();
    }, CLOSE_MS).unref();
    finish(true);
  };
  const refuse = (status: number, code: number, reason: string) => {
    if (record === undefined) return end(code, reason);
    ended = true;
    void record(status, reason).then(() => {
      ended = false;
      end(code, reason);
    });
  };
  const outlet = createOutlet({ writable: stream, maxQueuedBytes, stallMs, onCut: (reason) => end(closeCodes.slowReader, `too slow a reader: ${reason}`) });

  const self: ServerSocket = {
    onFrame: () => {},
    onEnd: () => {},
    send(text) {
      if (!ended && outlet.admits()) socket.send(text);
    },
    replay(text) {
      if (!ended) socket.send(text);
    },
    get behind() {
      return !ended && outlet.behind;
    },
    caughtUp: () => outlet.caughtUp(),
    pause() {
      paused = true;
      socket.pause();
    },
    resume() {
      paused = false;
      answered = true;
      socket.resume();
    },
    end,
    beat() {
      // Whose frames are not read cannot be heard answering; the stream's own progress is watched meanwhile.
      if (ended || paused) return;
      if (!answered) {
        socket.terminate();
        finish(false);
        return;
      }
      answered = false;
      socket.ping();
    },
  };
  socket.on('message', (data, isBinary) => {
    if (ended) return;
    answered = true;
    if (isBinary) return refuse(415, closeCodes.notText, 'text frames only, one JSON-RPC message each');
    try {
      self.onFrame(data as Uint8Array);
    } catch (error) {
      onError(error);
      end(closeCodes.failed, 'the hub failed; its log says why');
    }
  });
  socket.on('pong', () => {
    answered = true;
  });
  // Of many pings only the last is answered (RFC 6455, section 5.5.3), and none while the answers to others are not read.
  let pinged: Buffer | undefined;
  socket.on('ping', (data) => {
    answered = true;
    if (pinged === undefined)
      setImmediate(() => {
        if (!ended && !outlet.behind) socket.pong(pinged);
        pinged = undefined;
      });
    pinged = data;
  });
  // `ws` has chosen the code already: 1007 for bytes that are no UTF-8, 1009 over the cap, 1002 for the rest.
  socket.on('error', (error) => {
    onError(error);
    if (!ended) void record?.(error.message.startsWith('Max payload') ? 413 : 400, error.message);
    setTimeout(() => socket.terminate(), CLOSE_MS).unref();
    finish(true);
  });
  socket.on('close', (code) => finish(code !== 1006));
  return self;
}
