import { setTimeout as pause } from 'node:timers/promises';
import type { CutProxy } from './cut-proxy.ts';
import type { HubProcess } from './hub-process.ts';

export interface Surroundings {
  readonly hubs: readonly HubProcess[];
  /** The way from each hub to each other one, by the names of both. */
  readonly ways: ReadonlyMap<string, ReadonlyMap<string, CutProxy>>;
  readonly random: () => number;
}

/** How many of each were made. */
export interface Damage {
  kills: number;
  partitions: number;
  oneWayCuts: number;
  silences: number;
}

/** Kills and partitions at random until `signal` aborts; leaves everything broken as it is then. */
export async function wreak({ hubs, ways, random }: Surroundings, signal: AbortSignal): Promise<Damage> {
  const damage: Damage = { kills: 0, partitions: 0, oneWayCuts: 0, silences: 0 };
  const restarts: Promise<void>[] = [];
  const all = [...ways.values()].flatMap((way) => [...way.values()]);
  const one = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const heal = () => {
    for (const way of all) way.heal();
  };
  while (!signal.aborted) {
    const dice = random();
    if (dice < 0.4) {
      const hub = one(hubs.filter(({ isUp }) => isUp).length > 2 ? hubs.filter(({ isUp }) => isUp) : hubs);
      if (hub.isUp) {
        damage.kills++;
        await hub.kill();
        restarts.push(pause(200 + random() * 1_500).then(() => hub.start()));
      }
    } else if (dice < 0.6) {
      damage.partitions++;
      heal();
      const island = new Set(hubs.filter(() => random() < 0.5).map(({ name }) => name));
      for (const [from, to] of ways) for (const [name, way] of to) if (island.has(from) !== island.has(name)) way.cut();
    } else if (dice < 0.7) {
      damage.oneWayCuts++;
      one(all).cut();
    } else if (dice < 0.8) {
      damage.silences++;
      one(all).silence();
    } else {
      heal();
    }
    await pause(200 + random() * 1_800, undefined, { signal }).catch(() => {});
  }
  await Promise.all(restarts);
  return damage;
}
