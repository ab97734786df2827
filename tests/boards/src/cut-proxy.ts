import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a port of this machine that can be broken. */
export interface CutProxy {
  readonly port: number;
  /** Ends every connection, and refuses new ones. */
  cut(): void;
  /** Carries nothing any more, and tells nobody: connections stay open, as where a cable was pulled. */
  silence(): void;
  /** Carries everything again. What was sent while it was silent is lost, with its connections. */
  heal(): void;
  close(): Promise<void>;
}

export async function createCutProxy(target: number): Promise<CutProxy> {
  let state: 'open' | 'cut' | 'silent' = 'open';
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Breaking connections is what it is for.
    socket.on('error', () => {});
  };
  const pour = (from: Socket, to: Socket) => {
    from.on('data', (chunk) => {
      if (state === 'open' && !to.write(chunk)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
    from.on('close', () => state !== 'silent' && to.destroy());
    from.on('end', () => state === 'open' && to.end());
  };
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer({ allowHalfOpen: true }, (near) => {
    keep(near);
    if (state === 'cut') return near.destroy();
    const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    keep(far);
    pour(near, far);
    pour(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = 'cut';
      destroyAll();
    },
    silence() {
      state = 'silent';
    },
    heal() {
      if (state === 'open') return;
      state = 'open';
      destroyAll();
    },
    async close() {
      state = 'cut';
      destroyAll();
      server.close();
      await once(server, 'close');
    },
  };
}
