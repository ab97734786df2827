import { createHub, inProcessPrincipal } from '@meshwork/core';
import { serveWebSocket } from '@meshwork/transports';

/** What the parent asks for: so many events on each of so many resources, at a steady rate. */
export interface FireOrder {
  readonly resources: number;
  readonly eventsPerSecond: number;
  readonly seconds: number;
}

/** What it is told: when each event of each resource was due, on the clock that all processes of a machine share, in milliseconds. */
export interface FireReport {
  readonly due: readonly (readonly number[])[];
  readonly rssMb: number;
  readonly cpuMs: number;
}

/** A hub over WebSocket that changes resources when it is told to. */
const maxConnections = Number(process.argv[2]);
const hub = createHub();
const authenticator = { everybody: inProcessPrincipal('bench') };
const server = await serveWebSocket(hub, { port: 0, authenticator, maxConnections, maxConnectionsPerPrincipal: maxConnections, onError: console.error });

process.on('message', async ({ resources, eventsPerSecond, seconds }: FireOrder) => {
  const due: number[][] = Array.from({ length: resources }, () => []);
  const usage = process.cpuUsage();
  const started = now();
  let rss = 0;
  for (let fired = 0; fired < eventsPerSecond * seconds; fired++) {
    const dueAt = started + (fired * 1_000) / eventsPerSecond;
    // Whatever is due is told at once; an event that is late counts from when it was due.
    while (now() < dueAt) await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueAt - now())));
    const resource = fired % resources;
    due[resource]?.push(dueAt);
    hub.resourceUpdated(`bench://${resource}`);
    if (fired % 100 === 0) rss = Math.max(rss, process.memoryUsage.rss());
    if (fired % 500 === 499) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const { user, system } = process.cpuUsage(usage);
  process.send?.({
    due,
    rssMb: Math.round(Math.max(rss, process.memoryUsage.rss()) / 2 ** 20),
    cpuMs: Math.round((user + system) / 1_000),
  } satisfies FireReport);
});
process.once('disconnect', () => process.exit(0));
process.send?.({ url: server.url });

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
