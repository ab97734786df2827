import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string | undefined;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A real server that keeps what it is sent, and answers with the statuses it is given, then with 204. */
export async function startReceiver() {
  const received: Received[] = [];
  const statuses: (number | 'silence')[] = [];
  const headers: Record<string, string> = {};
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({ method: request.method, headers: request.headers as Record<string, string>, body: Buffer.concat(chunks).toString() });
    const status = statuses.shift() ?? 204;
    if (status !== 'silence') response.writeHead(status, headers).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url, received, statuses, headers, close };
}
