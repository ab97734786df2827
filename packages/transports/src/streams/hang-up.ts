import type { Socket } from 'node:net';

/** Milliseconds the other end has to hang up too. */
const HANG_UP_MS = 1_000;

/** Ends a socket after what is written, and cuts it when the other end does not do the same. */
export function hangUp(socket: Socket): void {
  socket.end();
  // What still comes is thrown away: unread, it would hide that the other end has hung up.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), HANG_UP_MS);
  cut.unref();
  socket.once('close', () => clearTimeout(cut));
}
