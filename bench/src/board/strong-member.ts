// A member of a board of level strong, in a process of its own: its registers in SQLite, the others reached over HTTP. It measures when it is told to.
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyValueStrongStore, createQuorumStore, type PeerLink, type QuorumStore, type StrongStore } from '@meshwork/blackboard';
import { openPostgres } from '@meshwork/store-postgres';
import { openSqlite } from '@meshwork/store-sqlite';

/** What the parent says: where the members are, then what to measure. */
type Order =
  | { readonly ports: Readonly<Record<string, number>>; readonly postgres: string | undefined }
  | { readonly operations: number; readonly clients: number; readonly on: 'quorum' | 'postgres' };

const [name = ''] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), `meshwork-bench-strong-${name}-`));
const store = await openSqlite({ path: join(folder, 'hub.db') });
const agent = new Agent({ keepAlive: true });
let quorum: QuorumStore | undefined;
let onPostgres: StrongStore | undefined;

const server = createServer(async (incoming, outgoing) => {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  try {
    outgoing.end(await quorum?.answer({ name: String(incoming.headers['x-from']) }, Buffer.concat(chunks)));
  } catch {
    outgoing.writeHead(500).end();
  }
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));

process.on('message', async (order: Order) => {
  if ('ports' in order) {
    const { ports, postgres } = order;
    quorum = await createQuorumStore({ name, board: 'plans', members: Object.keys(ports), store, links: (peer) => linkTo(peer, ports[peer] ?? 0) });
    if (postgres !== undefined) onPostgres = createKeyValueStrongStore({ name, board: 'plans', store: await openPostgres({ url: postgres }) });
    process.send?.({});
  } else process.send?.(await measure(order));
});
process.on('disconnect', async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
  process.exit(0);
});

/** Times of writes and of reads, in milliseconds. */
async function measure({ operations, clients, on }: Extract<Order, { operations: number }>) {
  const strong = on === 'quorum' ? quorum : onPostgres;
  if (strong === undefined) throw new Error(`there is no store on ${on}`);
  const times = { write: [] as number[], read: [] as number[] };
  const work = async (client: number) => {
    for (let turn = 0; turn < operations; turn++) {
      const key = `task/${client}/${turn % 100}`;
      const signal = AbortSignal.timeout(30_000);
      const begun = performance.now();
      await strong.write({ key, value: { task: key, status: 'open', n: turn }, writer: name, time: turn }, { signal });
      const written = performance.now();
      await strong.read(key, { signal });
      times.write.push(written - begun);
      times.read.push(performance.now() - written);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => work(client)));
  return times;
}

function linkTo(peer: string, port: number): PeerLink {
  return {
    peer,
    request: (message, { signal }) =>
      new Promise((resolve, reject) => {
        const headers = { 'x-from': name, 'content-length': message.length };
        const asking = request({ agent, host: '127.0.0.1', port, method: 'POST', headers, signal }, async (answer) => {
          const chunks: Buffer[] = [];
          for await (const chunk of answer) chunks.push(chunk);
          if (answer.statusCode === 200) resolve(Buffer.concat(chunks));
          else reject(new Error(`${peer} failed`));
        });
        asking.on('error', reject);
        asking.end(message);
      }),
    send() {},
  };
}
