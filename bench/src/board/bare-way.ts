// The least a write can take to a peer here: what is left when there is no hub. One commit, one HTTP request with a small body on a connection that is kept, one commit.
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Store } from '@meshwork/core';

/** About what the push of one small write is over MCP. */
const BODY = JSON.stringify({ fill: 'x'.repeat(800) });
const RECORD = new Uint8Array(150).fill(1);
const agent = new Agent({ keepAlive: true });

export interface BareWay {
  readonly port: number;
  /** One commit here, and one request to the other side once it is on disk. */
  go(n: number, port: number): Promise<{ readonly begunAt: number; readonly acknowledgedAt: number }>;
  close(): void;
}

/** Tells of each request when it came and when what it brought was on disk. Times are by `now`. */
export async function openBareWay(
  store: Store,
  now: () => number,
  tell: (arrived: { n: number; arrivedAt: number; seenAt: number }) => void,
): Promise<BareWay> {
  const commit = () => store.append('bench/bare', [RECORD]);
  const server = createServer((incoming, outgoing) => {
    const arrivedAt = now();
    incoming.resume().on('end', async () => {
      await commit();
      tell({ n: Number(incoming.url?.slice(1)), arrivedAt, seenAt: now() });
      outgoing.end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async go(n, port) {
      const begunAt = now();
      await commit();
      const acknowledgedAt = now();
      const sent = request({ host: '127.0.0.1', port, path: `/${n}`, method: 'POST', agent, headers: { 'content-length': BODY.length } });
      const [answer] = await once(sent.end(BODY), 'response');
      await once(answer.resume(), 'end');
      return { begunAt, acknowledgedAt };
    },
    close() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}
