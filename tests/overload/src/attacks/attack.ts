import { connect, type Socket } from 'node:net';
import type { Places } from '../hub-messages.ts';

/**
 * Does something to a hub with so many connections, as `mallory`. Resolves when it is under way; from then on it goes on until its process
 * ends, which is how every attack ends.
 */
export type Attack = (places: Places, size: number) => Promise<void>;

export type Door = 'http' | 'webSocket' | 'socket';

export const KEY = 'mallory-key';

/** A connection to one of a hub's doors, without a word said on it; `undefined` when it is not let in. */
export function knock(places: Places, door: Door): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = door === 'socket' ? connect(places.socket) : connect(Number(new URL(places[door]).port), '127.0.0.1');
    socket.once('connect', () => resolve(socket));
    socket.on('error', () => resolve(undefined));
  });
}

/** Does something many times, some at a time. */
export async function many(size: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < size) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(size, 100) }, worker));
}
