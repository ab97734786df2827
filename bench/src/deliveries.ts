// Events delivered over WebSocket: node --conditions=@meshwork/source bench/src/deliveries.ts [clients] [perSecond] [seconds] [watchers] [resume]
import { type ChildProcess, fork } from 'node:child_process';
import { WebSocket } from 'ws';
import type { FireOrder, FireReport } from './servers/deliveries.ts';

export interface DeliveriesOptions {
  /** Connections, each of which watches one resource. */
  readonly clients: number;
  /** Notifications a second, over all of them. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Clients that watch the same resource: each event makes so many deliveries. Default 100. */
  readonly watchers?: number;
  /** Whether connections are resumable, and acknowledge what they get. Default false. */
  readonly resume?: boolean;
}

/** What was delivered. Latencies are in milliseconds, from when the event was due to when its client had it. */
export interface Deliveries {
  readonly delivered: number;
  readonly lost: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Of the server: most memory it held, and processor time for one delivery in microseconds. */
  readonly rssMb: number;
  readonly cpuMicros: number;
}

/** Has a hub in a process of its own deliver events to many clients at a steady rate. */
export async function measureDeliveries({ clients, perSecond, seconds, watchers = 100, resume = false }: DeliveriesOptions): Promise<Deliveries> {
  const child = fork(new URL('./servers/deliveries.ts', import.meta.url), [String(clients)], { execArgv: ['--conditions=@meshwork/source'] });
  try {
    const { url } = await reply<{ url: string }>(child);
    const perResource = Math.min(watchers, clients);
    const resources = Math.ceil(clients / perResource);
    const connected: Watcher[] = [];
    while (connected.length < clients) {
      const batch = Array.from({ length: Math.min(50, clients - connected.length) }, (_, at) =>
        watch(url, Math.floor((connected.length + at) / perResource), resume),
      );
      connected.push(...(await Promise.all(batch)));
    }
    child.send({ resources, eventsPerSecond: perSecond / perResource, seconds } satisfies FireOrder);
    const { due, rssMb, cpuMs } = await reply<FireReport>(child);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const latencies: number[] = [];
    let lost = 0;
    for (const { resource, arrivals } of connected) {
      const expected = due[resource] ?? [];
      lost += Math.abs(expected.length - arrivals.length);
      for (const [at, arrived] of arrivals.entries()) latencies.push(arrived - (expected[at] ?? Number.NaN));
    }
    for (const { socket } of connected) socket.terminate();
    latencies.sort((a, b) => a - b);
    const percentile = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
    const cpuMicros = (cpuMs * 1_000) / latencies.length;
    return { delivered: latencies.length, lost, p50: percentile(0.5), p99: percentile(0.99), max: latencies.at(-1) ?? Number.NaN, rssMb, cpuMicros };
  } finally {
    child.kill();
  }
}

interface Watcher {
  readonly socket: WebSocket;
  readonly resource: number;
  readonly arrivals: number[];
}

/** A client that does no more than a benchmark needs: a full one would be measured instead of the hub. */
function watch(url: string, resource: number, resume: boolean): Promise<Watcher> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, resume ? ['mcp.resume'] : ['mcp'], { perMessageDeflate: false });
    const arrivals: number[] = [];
    let received = 0;
    socket.once('error', reject);
    socket.once('close', (code, reason) => reject(new Error(`a client was cut off: ${code} ${reason}`)));
    socket.once('open', () => {
      const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
      const params = { notifications: { resourceSubscriptions: [`bench://${resource}`] }, _meta: meta };
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: 'listen:0', method: 'subscriptions/listen', params }));
    });
    socket.on('message', (data: Buffer) => {
      const text = data.toString('latin1');
      if (text.includes('notifications/meshwork/')) return;
      received++;
      if (resume && received % 64 === 0) socket.send(`{"jsonrpc":"2.0","method":"notifications/meshwork/ack","params":{"received":${received}}}`);
      if (text.includes('notifications/resources/updated')) {
        if (!text.includes(`bench://${resource}"`)) throw new Error(`a client got what it did not ask for: ${text}`);
        arrivals.push(Number(process.hrtime.bigint()) / 1e6);
      } else if (text.includes('notifications/subscriptions/acknowledged')) resolve({ socket, resource, arrivals });
      else throw new Error(`a client got ${text}`);
    });
  });
}

function reply<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the server ended with code ${code}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as T);
    });
  });
}

if (import.meta.main) {
  const [clients = 1_000, perSecond = 10_000, seconds = 10, watchers = 100] = process.argv.slice(2, 6).map(Number);
  console.table([await measureDeliveries({ clients, perSecond, seconds, watchers, resume: process.argv[6] === 'resume' })]);
}
