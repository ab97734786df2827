// Level strong with three members in three processes on this machine, each with SQLite (every write synced), over HTTP; and on one PostgreSQL: how long a write and a read take.
import { type ChildProcess, fork } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { startEngine } from '@meshwork/test-engines/engine';

const { values } = parseArgs({
  options: { operations: { type: 'string', default: '500' }, rounds: { type: 'string', default: '3' }, json: { type: 'boolean', default: false } },
});
const operations = Number(values.operations);
const rounds = Number(values.rounds);
const names = ['one', 'two', 'three'];

interface Times {
  readonly write: readonly number[];
  readonly read: readonly number[];
}

const postgres = await startEngine('postgres');
const members = new Map<string, ChildProcess>();
const ports: Record<string, number> = {};
try {
  for (const name of names) {
    const child = fork(new URL('./strong-member.ts', import.meta.url), [name], { execArgv: ['--conditions=@meshwork/source'] });
    members.set(name, child);
    ports[name] = (await reply<{ port: number }>(child)).port;
  }
  for (const child of members.values()) await ask(child, { ports, postgres: postgres?.url });
  const rows: Record<string, object> = {};
  for (const on of postgres === undefined ? (['quorum'] as const) : (['quorum', 'postgres'] as const))
    for (const clients of [1, 16]) rows[`${on}, ${clients} client${clients > 1 ? 's' : ''}`] = await measure(on, clients);
  if (values.json) console.log(JSON.stringify(rows, undefined, 2));
  else {
    console.log(`three members on ${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}`);
    console.table(rows);
  }
} finally {
  for (const child of members.values()) child.disconnect();
  await postgres?.stop();
}

/** One member's clients work, the others serve; the first round warms up. */
async function measure(on: string, clients: number) {
  const child = members.get('one') as ChildProcess;
  const perClient = Math.ceil(operations / clients);
  await ask(child, { operations: perClient, clients, on });
  const all = { write: [] as number[], read: [] as number[] };
  let ms = 0;
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    const times = await ask<Times>(child, { operations: perClient, clients, on });
    ms += performance.now() - begun;
    all.write.push(...times.write);
    all.read.push(...times.read);
  }
  return {
    'write p50 (ms)': at(all.write, 0.5),
    'write p99 (ms)': at(all.write, 0.99),
    'read p50 (ms)': at(all.read, 0.5),
    'read p99 (ms)': at(all.read, 0.99),
    'writes and reads per second': Math.round(((all.write.length + all.read.length) / ms) * 1_000),
  };
}

function at(times: readonly number[], quantile: number): number {
  const sorted = [...times].sort((one, other) => one - other);
  return Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? Number.NaN).toFixed(2));
}

function ask<T>(child: ChildProcess, order: object): Promise<T> {
  child.send(order);
  return reply(child);
}

function reply<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`a member ended with code ${code}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as T);
    });
  });
}
