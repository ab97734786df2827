import { setTimeout as sleep } from 'node:timers/promises';
import { holdSlowly, type SlowClientName, slowClients } from './slow-clients.ts';

/** What the parent asks for: so many slow clients of a hub in all, who come one after the other within that time. */
export interface CrowdOrder {
  readonly url: string;
  readonly key: string;
  readonly size: number;
  readonly withinMs: number;
}

/** Who is there, and who was cut by the hub and came back. */
export interface CrowdReport {
  readonly held: Readonly<Record<string, number>>;
  readonly returned: number;
}

/** Slow clients in a process of their own, so that they do not slow down who measures. Whoever is cut comes back at once. */
const { url, key, size, withinMs } = JSON.parse(process.argv[2] ?? '') as CrowdOrder;
const { hostname: host, port, pathname: path } = new URL(url);
const names = Object.keys(slowClients) as SlowClientName[];
const held: Record<string, number> = Object.fromEntries(names.map((name) => [name, 0]));
let returned = 0;

async function stay(name: SlowClientName, whenIn: () => void): Promise<void> {
  for (;;) {
    const { ended } = await holdSlowly(name, { host, port: Number(port), path, key });
    held[name] = (held[name] ?? 0) + 1;
    whenIn();
    await ended;
    held[name]--;
    returned++;
    // A hub that lets nobody stay is not to be stormed.
    await sleep(50);
  }
}

const all = Array.from({ length: size }, (_, at) => names[at % names.length] as SlowClientName);
await Promise.all(
  all.map(async (name, at) => {
    await sleep((withinMs * at) / size);
    await new Promise<void>((whenIn) => void stay(name, whenIn));
  }),
);
process.on('message', () => process.send?.({ held, returned } satisfies CrowdReport));
process.once('disconnect', () => process.exit(0));
process.send?.('all are there');
