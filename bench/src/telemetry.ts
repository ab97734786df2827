// What telemetry adds to a call inside the hub, in processor time: node --conditions=@meshwork/source bench/src/telemetry.ts
import { cpus } from 'node:os';
import { createHub, defineTool, type Hub, inProcessPrincipal, type Module, toolAnswer } from '@meshwork/core';
import { createMetrics, logHub, tracing } from '@meshwork/telemetry';
import { createLogger, type LoggerOptions } from '@meshwork/telemetry/logger';
import { z } from 'zod';

const callsARound = 20_000;
const rounds = 15;
const principal = inProcessPrincipal('bench');
const tools = Array.from({ length: 60 }, (_, n) =>
  defineTool({ name: `echo_${n}`, description: 'Echo.', category: 'bench', effect: 'read', input: z.object({}), run: () => toolAnswer([]) }),
);

const hubWith = (...modules: Module[]) => createHub({ modules: [...modules, { name: 'tools', tools }] });
function loggedHub(options: LoggerOptions): Hub {
  const hub = hubWith();
  logHub(hub, createLogger({ ...options, destination: { write() {} } }));
  return hub;
}

const hubs: Readonly<Record<string, Hub>> = {
  'no telemetry': hubWith(),
  'a stage that only calls next': hubWith({ name: 'idle', stages: { publish: (_step, next) => next() } }),
  'tracing, no provider registered': hubWith(tracing()),
  metrics: hubWith(createMetrics()),
  'log, below its level': loggedHub({ level: 'INFO' }),
  'log, seed format': loggedHub({ level: 'DEBUG' }),
  'log, JSON': loggedHub({ level: 'DEBUG', format: 'json' }),
};

const microseconds = new Map(Object.keys(hubs).map((name) => [name, [] as number[]]));
// Hubs take turns, so that a noisy minute falls on all of them; the first rounds warm up.
for (let round = -3; round < rounds; round++) {
  for (const [name, hub] of Object.entries(hubs)) {
    const before = process.cpuUsage();
    for (let n = 0; n < callsARound; n++) await hub.call({ name: 'echo_7', arguments: {}, principal, face: 'local' });
    const { user, system } = process.cpuUsage(before);
    if (round >= 0) microseconds.get(name)?.push((user + system) / callsARound);
  }
}

const median = (values: readonly number[] = []) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const bare = median(microseconds.get('no telemetry'));
console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}; ${callsARound} calls a round, median of ${rounds} rounds`);
console.table(
  Object.fromEntries(
    [...microseconds].map(([name, values]) => [name, { 'µs a call': median(values).toFixed(2), 'µs more than none': (median(values) - bare).toFixed(2) }]),
  ),
);
