// How long a write takes to a peer on the same machine, over HTTP and MCP: node --conditions=@meshwork/source bench/src/board/replication.ts [writes] [everyMs]
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

const [writes = 500, everyMs = 20] = process.argv.slice(2).map(Number);
const WARM_UP = 50;
const PATIENCE_MS = 30_000;

interface Write {
  begunAt: number;
  acknowledgedAt: number;
  seenAt: number;
}

const folder = await mkdtemp(join(tmpdir(), 'board-replication-'));
const [here, there] = [await freePort(), await freePort()];
const hubs = [await start('a', here, 'b', there), await start('b', there, 'a', here)] as const;
const measured = new Map<string, Partial<Write>>();
const record = (message: Partial<Write> & { key: string }) => measured.set(message.key, { ...measured.get(message.key), ...message });
hubs[0].on('message', (message: { key: string; begunAt?: number }) => void (message.begunAt !== undefined && record(message)));
hubs[1].on('message', (message: { key: string; seenAt?: number }) => void (message.seenAt !== undefined && record(message)));

await arrived('first', 0);
for (let n = 0; n < WARM_UP + writes; n++) {
  hubs[0].send({ key: `key/${n}`, value: { task: 'measure', n } });
  await new Promise((resolve) => setTimeout(resolve, everyMs));
}
await arrived('last', 1);
const all = Array.from({ length: writes }, (_, n) => measured.get(`key/${n + WARM_UP}`)).filter(
  (each): each is Write => each?.seenAt !== undefined && each.begunAt !== undefined,
);
const spent = (from: 'begunAt' | 'acknowledgedAt') => all.map((each) => each.seenAt - each[from]).toSorted((a, b) => a - b);
const shown = (times: readonly number[]) => `p50 ${ms(times, 0.5)}  p90 ${ms(times, 0.9)}  p99 ${ms(times, 0.99)}`;
console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}; ${all.length} of ${writes} writes, one every ${everyMs} ms`);
console.log(`from the write until it is readable at the peer  ${shown(spent('begunAt'))}`);
console.log(`from its acknowledgement                          ${shown(spent('acknowledgedAt'))}`);
for (const hub of hubs) {
  hub.disconnect();
  await once(hub, 'exit');
}
await rm(folder, { recursive: true });

function ms(sorted: readonly number[], share: number): string {
  return `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(2)} ms`;
}

async function start(name: string, port: number, peer: string, peerPort: number): Promise<ChildProcess> {
  const child = fork(new URL('./hub.ts', import.meta.url), [join(folder, name), name, String(port), peer, String(peerPort)], {
    execArgv: ['--conditions=@meshwork/source'],
  });
  await once(child, 'message');
  return child;
}

/** Waits until a write has come to the peer. */
async function arrived(key: string, n: number): Promise<void> {
  hubs[0].send({ key, value: { task: 'wait', n } });
  for (const end = Date.now() + PATIENCE_MS; measured.get(key)?.seenAt === undefined; ) {
    if (Date.now() > end) throw new Error(`the peer has not seen ${key} after ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
