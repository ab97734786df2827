import type { Socket } from 'node:net';

/** Milliseconds the other end has to hang up too. */
const HANG_UP_MS = 1_000;

/**
 * Ends a socket after what is written, and cuts it when the other end does not do the same. Who still reads has `lingerMs` for it, or as long as
 * the other end has in any case.
 */
export function hangUp(socket: Socket, lingerMs = HANG_UP_MS): void {
  socket.end();
  // What still comes is thrown away: unread, it would hide that the other end has hung up.
  socket.resume();
  const destroy = () => socket.destroy();
  let cut = setTimeout(() => {
    if (socket.writableLength === 0) return destroy();
    cut = setTimeout(destroy, Math.max(0, lingerMs - HANG_UP_MS)).unref();
  }, HANG_UP_MS).unref();
  socket.once('close', () => clearTimeout(cut));
}
