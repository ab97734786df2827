import { UnavailableError } from '@meshwork/core';
import { createSimulation, type Machine, type NemesisOptions, type SimulatedNode, type Simulation } from '@meshwork/testing/simulation';
import { type Blackboard, type BoardSettings, createBlackboard, type PeerLink, type StrongStore } from '../../src/index.ts';

export interface World {
  readonly simulation: Simulation;
  /** Those that are there. */
  readonly hubs: readonly SimulatedNode<Blackboard>[];
  /** The next one of `lateHubs` joins. */
  join(): SimulatedNode<Blackboard>;
  /** A hub goes, and never comes back. */
  leave(hub: SimulatedNode<Blackboard>): void;
  /** Names of hubs that reach each other, and nobody else, whatever the network does. */
  readonly apart: Set<string>;
  /** What went wrong inside, and concerned no caller. */
  readonly errors: unknown[];
  readonly renamed: string[];
}

export interface WorldOptions {
  readonly seed: number;
  readonly maxFaults: number;
  readonly hubs?: number;
  /** How many more may join later. Default 0. */
  readonly lateHubs?: number;
  readonly settings?: BoardSettings;
  /** What keeps keys of level strong, as a machine reaches it. */
  readonly strong?: (machine: Machine) => StrongStore;
  /** All hubs have this name; default: their own. */
  readonly name?: string;
  readonly maxAbsenceMs?: number;
  readonly forgottenMs?: number;
  /** Default 200. */
  readonly syncEveryMs?: number;
  readonly minLogBytes?: number;
  /** Keeps the whole trace. */
  readonly trace?: boolean;
}

export const board = 'plans';

/** Hubs on simulated machines, each linked to all others. */
export function createWorld({
  seed,
  maxFaults,
  hubs: count = 3,
  lateHubs = 0,
  settings = {},
  strong,
  name,
  maxAbsenceMs,
  forgottenMs,
  syncEveryMs = 200,
  minLogBytes = 4_000,
  trace = false,
}: WorldOptions): World {
  const simulation = createSimulation({ seed, maxFaults, requestTimeoutMs: 1_000, trace });
  const names = Array.from({ length: count + lateHubs }, (_, at) => `hub${at}`);
  const errors: unknown[] = [];
  const renamed: string[] = [];
  const apart = new Set<string>();
  const linkTo = (own: string, link: PeerLink): PeerLink => ({
    ...link,
    async request(message, how) {
      if (apart.has(own) !== apart.has(link.peer)) throw new UnavailableError(`${own} and ${link.peer} are apart`);
      return link.request(message, how);
    },
  });
  const start = (own: string) =>
    simulation.node(own, async (machine) => {
      const { disk, clock, ids, network, random } = machine;
      const blackboard = await createBlackboard({
        name: name ?? own,
        store: disk,
        place: own,
        boards: { [board]: settings },
        clock,
        ids,
        random: () => random.next(),
        syncEveryMs,
        requestTimeoutMs: 1_000,
        minLogBytes,
        ...(maxAbsenceMs !== undefined && { maxAbsenceMs }),
        ...(forgottenMs !== undefined && { forgottenMs }),
        ...(strong !== undefined && { strong: () => strong(machine) }),
        onError: (error) => void errors.push(error),
      });
      blackboard.events.on('replica-renamed', ({ reason }) => void renamed.push(reason));
      network.listen(blackboard.peer);
      for (const peer of names) if (peer !== own) blackboard.connect(linkTo(own, network.link(peer)));
      return blackboard;
    });
  const hubs = names.slice(0, count).map(start);
  const late = names.slice(count);
  return {
    simulation,
    hubs,
    apart,
    errors,
    renamed,
    join() {
      const hub = start(late.shift()!);
      hubs.push(hub);
      return hub;
    },
    leave(hub) {
      hub.leave();
      hubs.splice(hubs.indexOf(hub), 1);
    },
  };
}

export const someFaults: NemesisOptions = { everyMs: [50, 400], lastsMs: [50, 1_500] };

/** Lets time pass until every hub says the same of its board, or too much has passed. */
export async function converge({ simulation, hubs }: World, withinMs = 60_000): Promise<void> {
  const end = simulation.now() + withinMs;
  let said: string[] = [];
  while (simulation.now() < end) {
    await simulation.elapse(500);
    try {
      const all = await Promise.all(hubs.map((hub) => hub.call((blackboard) => blackboard.status(board))));
      said = all.map(({ digest, vector, versions }) => JSON.stringify([digest, Object.entries(vector).sort(), versions]));
    } catch {
      continue;
    }
    if (new Set(said).size === 1) return;
  }
  throw new Error(`the hubs have not become equal:\n${said.join('\n')}`);
}
