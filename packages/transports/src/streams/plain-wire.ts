import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { type JsonCaps, parseBody } from '../http/read-body.ts';
import { closeCodes } from './close-codes.ts';
import { type RecordFrame, refuseFrame } from './frame-refusals.ts';
import type { ServerSocket } from './server-socket.ts';
import type { Wire } from './wire.ts';

/** A connection that lasts as long as its WebSocket. */
export function createPlainWire(socket: ServerSocket, { record, jsonLimits }: JsonCaps & { readonly record?: RecordFrame | undefined }): Wire {
  let closed = false;
  const finish = () => {
    if (closed) return;
    closed = true;
    wire.onclose?.();
  };
  const wire: Wire = {
    async start() {
      socket.onFrame = (bytes) => {
        const body = parseBody(bytes, jsonLimits);
        if (body.ok) wire.onmessage?.(body.value as JSONRPCMessage);
        else refuseFrame(record, body.message, (text) => socket.send(text));
      };
      socket.onEnd = finish;
    },
    send(message) {
      socket.send(JSON.stringify(message));
      return socket.caughtUp();
    },
    sendText: (text) => socket.send(text),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    get behind() {
      return socket.behind;
    },
    caughtUp: () => socket.caughtUp(),
    async close() {
      socket.end(closeCodes.goingAway, 'the hub ends this connection');
      finish();
    },
  };
  return wire;
}
