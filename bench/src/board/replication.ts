// How long a write takes to a peer on the same machine, over HTTP and MCP: node --conditions=@meshwork/source bench/src/board/replication.ts [writes] [everyMs] [--json]
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: flags, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean', default: false } } });
const [writes = 1_000, everyMs = 20] = positionals.map(Number);
/** A hub runs for days: what its first writes take is not what is asked. */
const WARM_UP = 500;
const PATIENCE_MS = 30_000;

interface Write {
  begunAt: number;
  acknowledgedAt: number;
  arrivedAt: number;
  seenAt: number;
}

const folder = await mkdtemp(join(tmpdir(), 'board-replication-'));
const [here, there] = [await freePort(), await freePort()];
const hubs = [await start('a', here, 'b', there), await start('b', there, 'a', here)] as const;
let reached = 0;
for (const hub of hubs) hub.on('message', (message: { isReached?: boolean }) => void (message.isReached && reached++));
const measured = new Map<string, Partial<Write>>();
const record = (message: Partial<Write> & { key: string }) => measured.set(message.key, { ...measured.get(message.key), ...message });
hubs[0].on('message', (message: { key: string; begunAt?: number }) => void (message.begunAt !== undefined && record(message)));
hubs[1].on('message', (message: { key: string; seenAt?: number }) => void (message.seenAt !== undefined && record(message)));

await arrived('first', 0);
for (const end = Date.now() + PATIENCE_MS; reached < hubs.length; await new Promise((resolve) => setTimeout(resolve, 20)))
  if (Date.now() > end) throw new Error('the hubs do not reach each other');
// What is bare comes in between, so that both meet the same machine.
for (let n = 0; n < WARM_UP + writes; n++) {
  hubs[0].send({ key: `key/${n}`, value: { task: 'measure', n } });
  await new Promise((resolve) => setTimeout(resolve, everyMs / 2));
  hubs[0].send({ key: `bare/${n}`, value: { n }, bareTo: hubs[1].barePort });
  await new Promise((resolve) => setTimeout(resolve, everyMs / 2));
}
await arrived('last', 1);
const board = timesOf('key');
const bare = timesOf('bare');
const ratio = board.total.p50 / bare.total.p50;
const machine = { processor: cpus()[0]?.model, cores: cpus().length, node: process.version };
if (flags.json) console.log(JSON.stringify({ ...machine, writes: board.count, everyMs, board, bare, ratio }));
else {
  console.log(`${machine.processor}, ${machine.cores} cores, Node ${machine.node}; ${board.count} of ${writes} writes, one every ${everyMs} ms`);
  console.log(`from the write until it is readable at the peer  ${shown(board.total)}`);
  console.log(`  until it is acknowledged, on disk              ${shown(board.own)}`);
  console.log(`  from there until it has come to the peer       ${shown(board.way)}`);
  console.log(`  from there until it is on disk and readable    ${shown(board.peer)}`);
  console.log(`from its acknowledgement                         ${shown(board.afterwards)}`);
  console.log(`the same without hubs: commit, request, commit   ${shown(bare.total)}`);
  console.log(`  of which ${ms(bare.own.p50)}, ${ms(bare.way.p50)} and ${ms(bare.peer.p50)}; the board takes ${ratio.toFixed(1)} times as long`);
}
for (const hub of hubs) {
  hub.disconnect();
  await once(hub, 'exit');
}
await rm(folder, { recursive: true });

interface Spread {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** Milliseconds from one moment of a write to another. */
function timesOf(prefix: string) {
  const all = Array.from({ length: writes }, (_, n) => measured.get(`${prefix}/${n + WARM_UP}`)).filter(
    (each): each is Write => each?.seenAt !== undefined && each.begunAt !== undefined,
  );
  const between = (from: keyof Write, to: keyof Write): Spread => {
    const times = all.map((each) => each[to] - each[from]).toSorted((a, b) => a - b);
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
  };
  return {
    count: all.length,
    total: between('begunAt', 'seenAt'),
    own: between('begunAt', 'acknowledgedAt'),
    way: between('acknowledgedAt', 'arrivedAt'),
    peer: between('arrivedAt', 'seenAt'),
    afterwards: between('acknowledgedAt', 'seenAt'),
  };
}

function shown({ p50, p90, p99 }: Spread): string {
  return `p50 ${ms(p50)}  p90 ${ms(p90)}  p99 ${ms(p99)}`;
}

function ms(time: number): string {
  return `${time.toFixed(2)} ms`;
}

/** A hub, and where its bare way ends. */
type Hub = ChildProcess & { barePort: number };

async function start(name: string, port: number, peer: string, peerPort: number): Promise<Hub> {
  const child = fork(new URL('./hub.ts', import.meta.url), [join(folder, name), name, String(port), peer, String(peerPort)], {
    execArgv: ['--conditions=@meshwork/source'],
  });
  const [{ barePort }] = (await once(child, 'message')) as [{ barePort: number }];
  return Object.assign(child, { barePort });
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
