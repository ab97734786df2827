import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { callers, type FaceName } from './callers.ts';
import type { Usage } from './hub-messages.ts';
import { startAttack } from './start-attack.ts';
import type { HubProcess } from './start-hub.ts';
import { callSteadily, type Fared } from './steady.ts';

export interface WithstandOptions {
  readonly attacks: readonly string[];
  /** Connections of each. */
  readonly size: number;
  /** The faces on which honest callers, whose key is another, call all the while. */
  readonly faces: readonly FaceName[];
  readonly durationMs?: number;
  /** Time them from the first moment of the attack, or only once it is all there. Default the first. */
  readonly from?: 'begin' | 'full';
  /** What happens while the attack lasts, besides. */
  readonly meanwhile?: () => Promise<void>;
}

export interface Withstood {
  readonly before: Readonly<Partial<Record<FaceName, Fared>>>;
  readonly during: Readonly<Partial<Record<FaceName, Fared>>>;
  readonly usageBefore: Usage;
  readonly usageAfter: Usage;
  /** The most the heap and buffers held during the attack, in bytes. */
  readonly most: number;
  /** Files and sockets that the hub had open towards the end of the attack; 0 where the system does not tell. */
  readonly descriptors: number;
}

/** Measures a hub and its honest callers before, during and after an attack. */
export async function withstand(
  hub: HubProcess,
  { attacks, size, faces, durationMs = 1_000, from = 'begin', meanwhile }: WithstandOptions,
): Promise<Withstood> {
  const open = await Promise.all(faces.map(async (face) => [face, await callers[face](hub.places, 'bob-key')] as const));
  const callAll = async (end: Promise<unknown>) =>
    Object.fromEntries(await Promise.all(open.map(async ([face, caller]) => [face, await callSteadily(caller, end)] as const)));
  await callAll(sleep(100));
  const before = await callAll(sleep(durationMs / 2));
  const usageBefore = await hub.usage();
  let descriptors = 0;
  const { bytes, result } = await hub.mostDuring(async () => {
    const attack = await startAttack(attacks, size, hub.places);
    // What is held against other work is timed while all of that goes on.
    if (meanwhile !== undefined || from === 'full') await attack.underWay;
    if (from === 'full') await sleep(300);
    const during = await callAll(attack.underWay.then(meanwhile ?? (() => sleep(durationMs))));
    descriptors = await descriptorsOf(hub);
    await attack.stop();
    return during;
  });
  const usageAfter = await settled(hub, usageBefore);
  for (const [, caller] of open) caller.close();
  return { before, during: result, usageBefore, usageAfter, most: bytes, descriptors };
}

async function descriptorsOf({ child }: HubProcess): Promise<number> {
  try {
    return (await readdir(`/proc/${child.pid}/fd`)).length;
  } catch {
    return 0;
  }
}

/** What the hub uses once the traces of an attack are gone; what it uses after some seconds when they do not go. */
export async function settled(hub: HubProcess, before: Usage, { withinMs = 5_000, handles = 0 } = {}): Promise<Usage> {
  const until = performance.now() + withinMs;
  for (;;) {
    const usage = await hub.usage();
    if (performance.now() > until || (usage.handles <= before.handles + handles && memoryOf(usage) <= memoryOf(before) * 1.1)) return usage;
    await sleep(100);
  }
}

export function memoryOf({ heapUsed, external }: Usage): number {
  // What array buffers hold is part of `external`.
  return heapUsed + external;
}
