import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Contender, startContender } from './contender.ts';
import { measureStartUp } from './start-up.ts';

const { values } = parseArgs({ options: { smoke: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } } });
const rounds = values.smoke ? 1 : 5;
const durationMs = values.smoke ? 500 : 3_000;
const connections = 32;

const servers = [
  ['raw node:http echo', 'raw.ts', []],
  ['SDK handler, 1 tool', 'sdk.ts', ['1']],
  ['SDK handler, 60 tools', 'sdk.ts', ['60']],
  ['meshwork, 1 guarded tool', 'meshwork.ts', ['1']],
  ['meshwork, 60 guarded tools', 'meshwork.ts', ['60']],
] as const;

const contenders: Contender[] = [];
const rates = new Map<string, number[]>();
try {
  for (const [name, script, args] of servers) contenders.push(await startContender(name, script, args));
  for (const contender of contenders) await contender.measure({ connections, durationMs: durationMs / 2 });
  // Contenders take turns, so that a noisy minute falls on all of them.
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const rate = await contender.measure({ connections, durationMs });
      rates.set(contender.name, [...(rates.get(contender.name) ?? []), rate]);
    }
  }
} finally {
  for (const contender of contenders) contender.stop();
}
const startUp = await measureStartUp();
report();

function report(): void {
  const bare = median('SDK handler, 1 tool');
  const rows = contenders.map(({ name }) => ({ name, callsPerSecond: Math.round(median(name)), timesSdkWithOneTool: round(median(name) / bare) }));
  const result = {
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
    connections,
    rounds,
    calls: rows,
    figures: {
      'meshwork with 60 guarded tools / SDK handler with 1': round(median('meshwork, 60 guarded tools') / bare),
      'meshwork with 60 tools / meshwork with 1': round(median('meshwork, 60 guarded tools') / median('meshwork, 1 guarded tool')),
      'start-up to first answered call, fresh data folder (ms)': Math.round(startUp.fresh),
      'start-up to first answered call, used data folder (ms)': Math.round(startUp.again),
    },
  };
  if (values.json) {
    console.log(JSON.stringify(result, undefined, 2));
    return;
  }
  console.log(`${result.machine.cpu}, ${result.machine.cores} cores, Node ${result.machine.node}; ${connections} connections, median of ${rounds} rounds`);
  console.table(Object.fromEntries(rows.map(({ name, ...row }) => [name, row])));
  console.table(result.figures);
}

function median(name: string): number {
  const sorted = (rates.get(name) ?? []).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
