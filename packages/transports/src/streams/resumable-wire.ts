import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { type JsonCaps, parseBody } from '../http/read-body.ts';
import { closeCodes } from './close-codes.ts';
import { type RecordFrame, refuseFrame } from './frame-refusals.ts';
import { createResumableLink, SESSION_METHOD } from './resumable-link.ts';
import type { ServerSocket } from './server-socket.ts';
import type { Wire } from './wire.ts';

export interface ResumableWireOptions extends JsonCaps {
  /** Unguessable; what the client names to go on. */
  readonly session: string;
  /** Milliseconds it waits for the client's next socket. */
  readonly resumeMs: number;
  /** Milliseconds between calls of `beat`, which the client is told, so that it notices silence. */
  readonly heartbeatMs: number;
  readonly maxQueuedBytes: number;
  readonly maxKeptFrames: number;
  /** Records frames that are no JSON. */
  readonly record?: RecordFrame | undefined;
}

/** A connection that outlives its sockets by as much as `resumeMs`. */
export interface ResumableWire extends Wire {
  readonly session: string;
  /** When its last socket was lost, by `performance.now()`; `undefined` while it has one. */
  readonly lostAt: number | undefined;
  /** Goes on with a socket whose client has received that many frames. False when it cannot. */
  attach(socket: ServerSocket, peerReceived: number): boolean;
  /** Lets the client hear that the hub is there. */
  beat(): void;
  /** Ends its socket alone: the client may go on with another. */
  letGo(code: number, reason: string): void;
  /** Ends it, whether it has a socket or not. */
  end(code: number, reason: string): void;
}

export function createResumableWire({
  session,
  resumeMs,
  heartbeatMs,
  maxQueuedBytes,
  maxKeptFrames,
  jsonLimits,
  record,
}: ResumableWireOptions): ResumableWire {
  const link = createResumableLink({ maxKeptFrames, maxKeptCharacters: maxQueuedBytes });
  let socket: ServerSocket | undefined;
  let attachedBefore = false;
  let lostAt: number | undefined;
  let window: NodeJS.Timeout | undefined;
  let paused = false;
  let closed = false;

  const finish = () => {
    if (closed) return;
    closed = true;
    clearTimeout(window);
    link.detach();
    wire.onclose?.();
  };
  const end = (code: number, reason: string) => {
    socket?.end(code, reason);
    finish();
  };
  const lose = () => {
    socket = undefined;
    lostAt = performance.now();
    link.detach();
    window = setTimeout(finish, resumeMs);
  };
  const post = (text: string) => {
    if (!closed && !link.post(text)) end(closeCodes.slowReader, 'too slow a reader: too many frames wait to be acknowledged');
  };
  const take = (bytes: Uint8Array) => {
    const body = parseBody(bytes, jsonLimits);
    const taken = link.take(body.ok ? body.value : undefined);
    if (taken === 'violation') end(closeCodes.violation, 'frames were acknowledged that were never sent');
    else if (taken === 'message' && body.ok) wire.onmessage?.(body.value as JSONRPCMessage);
    else if (taken === 'message' && !body.ok) refuseFrame(record, body.message, post);
  };

  const wire: ResumableWire = {
    session,
    get lostAt() {
      return lostAt;
    },
    async start() {},
    attach(next, peerReceived) {
      if (closed) return false;
      const previous = socket;
      if (previous !== undefined) {
        // The client knows better than we do that its old socket is dead.
        previous.onEnd = () => {};
        previous.onFrame = () => {};
        previous.end(closeCodes.replaced, 'a newer socket goes on with this session');
        link.detach();
      }
      clearTimeout(window);
      lostAt = undefined;
      socket = next;
      next.onFrame = take;
      next.onEnd = ({ clean }) => {
        if (clean) finish();
        else lose();
      };
      const params = { session, resumed: attachedBefore, received: link.received, resumeMs, heartbeatMs };
      attachedBefore = true;
      next.send(JSON.stringify({ jsonrpc: '2.0', method: SESSION_METHOD, params }));
      let replaying = true;
      const isPossible = link.attach({ send: (text) => (replaying ? next.replay(text) : next.send(text)) }, peerReceived);
      replaying = false;
      if (!isPossible) {
        end(closeCodes.sessionOver, 'the session cannot go on from there; begin anew');
        return false;
      }
      if (paused) next.pause();
      return true;
    },
    send(message) {
      post(JSON.stringify(message));
      return wire.caughtUp?.() ?? Promise.resolve();
    },
    sendText: post,
    pause() {
      paused = true;
      socket?.pause();
    },
    resume() {
      paused = false;
      socket?.resume();
    },
    get behind() {
      return socket?.behind ?? false;
    },
    caughtUp: () => socket?.caughtUp() ?? Promise.resolve(),
    beat: () => link.beat(),
    letGo(code, reason) {
      const old = socket;
      if (old === undefined || closed) return;
      old.onEnd = () => {};
      old.onFrame = () => {};
      old.end(code, reason);
      lose();
    },
    end,
    async close() {
      end(closeCodes.goingAway, 'the hub ends this connection');
    },
  };
  return wire;
}
