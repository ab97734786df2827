import { connect, type Socket } from 'node:net';
import { UnavailableError } from '@meshwork/core';
import type { Transport } from '@modelcontextprotocol/server';
import { HUBS_JSON } from './connect-web-socket.ts';
import { hangUp } from './hang-up.ts';
import { inOrder } from './in-order.ts';
import { createLineTransport } from './line-transport.ts';
import type { Wire } from './wire.ts';

export interface ConnectSocketOptions {
  /** Largest message, in bytes. Default 64 MiB. */
  readonly maxMessageBytes?: number;
}

/** A transport for an SDK client to a hub on the same machine: `await client.connect(connectSocket('/run/user/1000/meshwork.sock'))`. */
export function connectSocket(place: string | { readonly host?: string; readonly port: number }, options: ConnectSocketOptions = {}): Transport {
  const { maxMessageBytes = 64 * 2 ** 20 } = options;
  let socket: Socket | undefined;
  let lines: Wire | undefined;

  const transport: Transport = {
    async start() {
      const opened = await open(place);
      socket = opened;
      lines = createLineTransport({ input: opened, output: opened, maxMessageBytes, garbage: 'report', jsonLimits: HUBS_JSON, onEnd: () => hangUp(opened) });
      lines.onmessage = (message) => transport.onmessage?.(message);
      lines.onerror = (error) => transport.onerror?.(error);
      lines.onclose = () => transport.onclose?.();
      await lines.start();
    },
    async send(message) {
      if (lines === undefined || socket?.writable !== true) throw new UnavailableError('the connection is closed');
      await lines.send(message);
    },
    async close() {
      await lines?.close();
    },
  };
  return inOrder(transport);
}

function open(place: string | { readonly host?: string; readonly port: number }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = typeof place === 'string' ? connect(place) : connect({ host: '127.0.0.1', ...place });
    const shown = typeof place === 'string' ? place : `port ${place.port}`;
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (cause) => reject(new UnavailableError(`cannot connect to ${shown}: ${cause.message}; is a hub running there?`, { cause })));
  });
}
