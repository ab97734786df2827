import type { Server, Socket } from 'node:net';
import type { Callers } from './callers.ts';
import { isLoopbackAddress, partyOf } from './networks.ts';

export interface ConnectionCaps {
  /**
   * Connections one address may have, or for IPv6 one /64. Default 64 for each address of the network; programs of this machine and
   * trusted proxies, who carry others, count in `maxConnections` only. A number that is given holds for this machine too.
   */
  readonly maxConnectionsPerAddress?: number;
  /** Connections in all. Default 20,000. */
  readonly maxConnections?: number;
}

/**
 * Turns connections away before a byte of them is read, TLS included: of addresses that may not call, and of those that have too many. It
 * has to stand before a server has listeners for `connection` of its own kind, so it takes the place of those it finds.
 */
export function guardConnections(server: Server, callers: Callers, caps: ConnectionCaps): void {
  const { maxConnectionsPerAddress, maxConnections = 20_000 } = caps;
  const perParty = new Map<string, number>();
  let all = 0;
  const capOf = (address: string) => {
    if (callers.isProxy(address)) return Number.POSITIVE_INFINITY;
    return maxConnectionsPerAddress ?? (isLoopbackAddress(address) ? Number.POSITIVE_INFINITY : 64);
  };
  const admit = (socket: Socket): boolean => {
    const address = socket.remoteAddress;
    // It has gone already.
    if (address === undefined) return false;
    const party = partyOf(address);
    const own = perParty.get(party) ?? 0;
    if (all >= maxConnections || own >= capOf(address) || !callers.mayConnect(address)) return false;
    all++;
    perParty.set(party, own + 1);
    socket.once('close', () => {
      all--;
      const left = (perParty.get(party) ?? 1) - 1;
      if (left === 0) perParty.delete(party);
      else perParty.set(party, left);
    });
    return true;
  };
  const listeners = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket) => {
    if (admit(socket)) for (const listener of listeners) listener.call(server, socket);
    else socket.destroy();
  });
}
