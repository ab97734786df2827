import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureBoards } from './board/measure-boards.ts';
import { measureCalls, measureLatency, medianOf, medianRatio } from './calls.ts';
import { type Contender, startContender } from './contender.ts';
import { measureDeliveries } from './deliveries.ts';
import { measureDoor } from './door.ts';
import { writeFlameGraph } from './flame-graph.ts';
import { measureLimits } from './limits.ts';
import { measureMemory } from './memory.ts';
import { measurePolicy } from './policy.ts';
import { measureSlowCrowd } from './slow-crowd.ts';
import { measureStalls } from './stalls.ts';
import { measureStartUp } from './start-up.ts';
import { measureStores } from './stores/measure-stores.ts';

const { values } = parseArgs({
  options: { smoke: { type: 'boolean', default: false }, json: { type: 'boolean', default: false }, profile: { type: 'boolean', default: false } },
});
const sizes = values.smoke ? { rounds: 1, durationMs: 500, connections: 32 } : { rounds: 5, durationMs: 3_000, connections: 32 };

const raw = 'raw node:http echo';
const bare1 = 'SDK handler, 1 tool';
const bare60 = 'SDK handler, 60 tools';
const guarded1 = 'meshwork, 1 guarded tool';
const guarded60 = 'meshwork, 60 guarded tools';

const credentials = ['API key', 'session token', 'JWT verified each time'];

const servers = [
  [raw, 'raw.ts', []],
  [bare1, 'sdk.ts', ['1']],
  [bare60, 'sdk.ts', ['60']],
  [guarded1, 'meshwork.ts', ['1']],
  [guarded60, 'meshwork.ts', ['60']],
] as const;

if (values.profile) {
  const file = resolve(process.env.INIT_CWD ?? '.', 'flame-graph.svg');
  await writeFlameGraph(file, 5_000);
  console.log(`The flame graph of a hub under load is in ${file}; open it in a browser.`);
} else {
  await report(await measure());
}

async function measure() {
  const calls = await among(servers, (contenders) => measureCalls(contenders, sizes));
  const halfLoad = Math.round(medianOf(calls, guarded60, ({ perSecond }) => perSecond) / 2);
  // Servers of their own: the disk is still busy with what the others have left it.
  const both = servers.filter(([name]) => name === raw || name === guarded60);
  const latency = await among(both, (contenders) => measureLatency(contenders, halfLoad, sizes));
  return { calls, halfLoad, latency };
}

async function among<T>(started: readonly (typeof servers)[number][], work: (contenders: readonly Contender[]) => Promise<T>): Promise<T> {
  const contenders: Contender[] = [];
  try {
    for (const [name, script, args] of started) contenders.push(await startContender(name, script, args));
    return await work(contenders);
  } finally {
    for (const contender of contenders) await contender.stop();
  }
}

async function report({ calls, halfLoad, latency }: Awaited<ReturnType<typeof measure>>): Promise<void> {
  const policy = measurePolicy(values.smoke ? { rounds: 1, durationMs: 100 } : {});
  const door = await measureDoor(credentials, values.smoke ? { rounds: 1, durationMs: 300 } : { rounds: 5, durationMs: 2_000 });
  const limits = await measureLimits(values.smoke ? { rounds: 1, durationMs: 100 } : {});
  const deliveries = await measureDeliveries(
    values.smoke ? { clients: 100, perSecond: 2_000, seconds: 1 } : { clients: 1_000, perSecond: 10_000, seconds: 10 },
  );
  const crowd = await measureSlowCrowd(
    values.smoke
      ? { size: 200, rounds: 2, durationMs: 500, rate: 100, withinMs: 500 }
      : { size: 2_000, rounds: 12, durationMs: 3_000, rate: 400, withinMs: 8_000 },
  );
  const stalls = await measureStalls();
  const memory = await measureMemory(values.smoke ? { calls: 2_000, connects: 200 } : { calls: 100_000, connects: 10_000 });
  const stores = await measureStores(values.smoke ? { rounds: 1, durationMs: 200 } : {});
  const boards = await measureBoards({
    names: ['Meshwork', 'Yjs Y.Map'],
    ...(values.smoke && { entries: 1_000, overwrites: 5_000, rounds: 1 }),
  });
  const startUp = await measureStartUp();
  const rows = [...calls.keys()].map((name) => ({
    name,
    'calls/s': Math.round(medianOf(calls, name, ({ perSecond }) => perSecond)),
    'µs of processor a call': Math.round(medianOf(calls, name, ({ cpuMicros }) => cpuMicros)),
    'times the SDK with 60': round(medianRatio(calls, name, bare60, ({ perSecond }) => perSecond)),
    'times raw': round(medianRatio(calls, name, raw, ({ perSecond }) => perSecond)),
  }));
  const p99 = (name: string) => medianOf(latency, name, (measured) => measured.p99);
  const figures = {
    'calls/s: 60 guarded tools / SDK with 60 bare': round(medianRatio(calls, guarded60, bare60, ({ perSecond }) => perSecond)),
    'processor a call: SDK with 60 bare / 60 guarded tools': round(1 / medianRatio(calls, guarded60, bare60, ({ cpuMicros }) => cpuMicros)),
    'calls/s: 60 guarded tools / raw echo': round(medianRatio(calls, guarded60, raw, ({ perSecond }) => perSecond)),
    'calls/s: 60 guarded tools / 1 guarded tool': round(medianRatio(calls, guarded60, guarded1, ({ perSecond }) => perSecond)),
    [`p99 at ${halfLoad} calls/s, raw echo (ms)`]: round(p99(raw)),
    [`p99 at ${halfLoad} calls/s, 60 guarded tools (ms)`]: round(p99(guarded60)),
    'policy decisions: ours / cedar-wasm': policy.ratio,
    ...Object.fromEntries([...door].map(([name, added]) => [`p50 a credential adds to a call over HTTP, ${name} (ms)`, round(added)])),
    'rate-limit decisions/s, in memory': limits.decisionsPerSecond,
    'rate limits: points counted / by the bare library': limits.ratio,
    'WebSocket: deliveries to 1,000 clients at 10,000 a second, lost': deliveries.lost,
    'WebSocket: the same, p99 (ms)': round(deliveries.p99),
    [`p99 beside ${crowd.size} connections of slow clients / without them`]: round(crowd.p99),
    [`processor a call, beside ${crowd.size} connections of slow clients / without them`]: round(crowd.processor),
    [`longest turn of the loop over ${stalls.hostile.sent} hostile requests (ms of processor)`]: round(stalls.hostile.processorMs),
    'the same over as many harmless ones': round(stalls.harmless.processorMs),
    'heap after 100,000 calls and 10,000 connections, growth (%)': round(memory.growth * 100),
    ...Object.fromEntries(
      stores.flatMap(({ name, bare, putsPerSecond, putsRatio, appendsPerSecond, appendsRatio }) => [
        [`${name}: durable puts/s`, putsPerSecond],
        [`${name}: puts / ${bare}`, round(putsRatio)],
        [`${name}: durable appends/s`, appendsPerSecond],
        [`${name}: appends / ${bare}`, round(appendsRatio)],
      ]),
    ),
    ...Object.fromEntries(Object.entries(boards.get('Meshwork') ?? {}).map(([figure, value]) => [`board: ${figure}`, round(value)])),
    ...Object.fromEntries(
      Object.entries(boards.get('Meshwork') ?? {}).map(([figure, value]) => [
        `board: ${figure}, ours / Yjs`,
        round(value / (boards.get('Yjs Y.Map')?.[figure] ?? 0)),
      ]),
    ),
    'start-up to first answered call, fresh data folder (ms)': Math.round(startUp.fresh),
    'start-up to first answered call, used data folder (ms)': Math.round(startUp.again),
  };
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  if (values.json) {
    console.log(
      JSON.stringify(
        {
          machine,
          ...sizes,
          calls: rows,
          figures,
          policy,
          door: Object.fromEntries(door),
          limits,
          memory,
          deliveries,
          crowd,
          stalls,
          stores,
          boards: Object.fromEntries(boards),
        },
        undefined,
        2,
      ),
    );
    return;
  }
  console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${sizes.connections} connections, median of ${sizes.rounds} rounds`);
  console.table(Object.fromEntries(rows.map(({ name, ...row }) => [name, row])));
  console.table(figures);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
