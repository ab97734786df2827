import { connect, type Socket } from 'node:net';

export interface LoadOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly connections: number;
  readonly durationMs: number;
  /** Calls begun per second over all connections; as many as are answered when left out. */
  readonly rate?: number;
  /** What every answer holds; a load that gets wrong answers measures nothing. */
  readonly expect: string;
}

/** What a load saw. Latencies are in milliseconds, from when a call was due to when its answer was whole. */
export interface LoadResult {
  readonly calls: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/**
 * Keeps one request in flight on each connection, or begins them at a steady rate. It writes prepared bytes and reads no more of an answer
 * than its length: a full HTTP client costs more than the servers under measurement.
 */
export async function load({ url, headers, body, connections, durationMs, rate, expect }: LoadOptions): Promise<LoadResult> {
  const { hostname, port, pathname, host } = new URL(url);
  const head = Object.entries({ host, ...headers, 'content-length': String(Buffer.byteLength(body)) }).map(([name, value]) => `${name}: ${value}`);
  const request = Buffer.from(`POST ${pathname} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${body}`);
  const wires = await Promise.all(Array.from({ length: connections }, () => openWire(hostname, Number(port))));
  const latencies: number[] = [];
  const started = performance.now();
  const worker = async (wire: Wire, index: number) => {
    const gapMs = rate === undefined ? 0 : (1_000 * connections) / rate;
    for (let due = started + (gapMs * index) / connections; ; due = rate === undefined ? performance.now() : due + gapMs) {
      if (performance.now() - started >= durationMs) return;
      const early = due - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      // A late answer delays the next call of its connection, and counts against it; a timer that fires early does not count in its favour.
      const from = rate === undefined ? performance.now() : Math.min(due, performance.now());
      const answer = await wire.exchange(request);
      latencies.push(performance.now() - from);
      if (!answer.startsWith('HTTP/1.1 200') || !answer.includes(expect)) throw new Error(`the server answered ${answer.slice(0, 300)}`);
    }
  };
  try {
    await Promise.all(wires.map(worker));
  } finally {
    for (const wire of wires) wire.end();
  }
  const seconds = (performance.now() - started) / 1_000;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  return { calls: latencies.length, perSecond: latencies.length / seconds, p50: at(0.5), p99: at(0.99) };
}

interface Wire {
  exchange(request: Buffer): Promise<string>;
  end(): void;
}

async function openWire(host: string, port: number): Promise<Wire> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opened = connect({ host, port, noDelay: true }, () => resolve(opened)).once('error', reject);
  });
  let received = '';
  let done: ((answer: string) => void) | undefined;
  let failed: ((error: Error) => void) | undefined;
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    received += text;
    if (!isWhole(received)) return;
    const answer = received;
    received = '';
    done?.(answer);
  });
  socket.on('error', (error) => failed?.(error));
  socket.on('close', () => failed?.(new Error('the server closed the connection')));
  return {
    exchange: (request) =>
      new Promise((resolve, reject) => {
        done = resolve;
        failed = reject;
        socket.write(request);
      }),
    end: () => socket.destroy(),
  };
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1];
  return length === undefined ? text.endsWith('0\r\n\r\n') : text.length >= end + 4 + Number(length);
}
