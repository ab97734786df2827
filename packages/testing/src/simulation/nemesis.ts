import type { Agenda } from './agenda.ts';
import type { Chronicle } from './chronicle.ts';
import type { Random } from './random.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import type { SimulatedNode } from './simulated-node.ts';

/** The kinds of faults a nemesis makes. `disk-rollback` brings back an old backup, `disk-copy` starts a node on a copy of another's disk. */
export type FaultKind =
  | 'crash'
  | 'partition'
  | 'one-way-cut'
  | 'loss'
  | 'duplication'
  | 'slow-network'
  | 'disk-failure'
  | 'slow-disk'
  | 'clock-jump'
  | 'clock-drift'
  | 'disk-rollback'
  | 'disk-copy';

export interface NemesisOptions {
  /** Shortest and longest time from one fault to the next, in milliseconds. Default 50 to 500. */
  readonly everyMs?: readonly [number, number];
  /** Shortest and longest time a fault lasts, in milliseconds. Default 50 to 2,000. */
  readonly lastsMs?: readonly [number, number];
  /** How often each kind is drawn, as against the others. Default: 1 each; 0 for `disk-rollback` and `disk-copy`, which no system bears that trusts its disk. */
  readonly weights?: Partial<Readonly<Record<FaultKind, number>>>;
}

/** What makes faults. */
export interface Nemesis {
  /** How many of each kind it has made. */
  readonly made: Readonly<Record<FaultKind, number>>;
  /** Makes no more; what it made goes on until its time is over, or the simulation heals. */
  stop(): void;
}

interface Surroundings {
  readonly agenda: Agenda;
  readonly chronicle: Chronicle;
  readonly network: SimulatedNetwork;
  readonly random: Random;
  readonly nodes: () => readonly SimulatedNode<unknown>[];
  readonly maxFaults: number;
}

const standardWeights: Readonly<Record<FaultKind, number>> = {
  crash: 1,
  partition: 1,
  'one-way-cut': 1,
  loss: 1,
  duplication: 1,
  'slow-network': 1,
  'disk-failure': 1,
  'slow-disk': 1,
  'clock-jump': 1,
  'clock-drift': 1,
  'disk-rollback': 0,
  'disk-copy': 0,
};

export function createNemesis(
  { agenda, chronicle, network, random, nodes, maxFaults }: Surroundings,
  { everyMs = [50, 500], lastsMs = [50, 2_000], weights }: NemesisOptions,
): Nemesis {
  const weighted = Object.entries({ ...standardWeights, ...weights }) as [FaultKind, number][];
  const total = weighted.reduce((sum, [, weight]) => sum + weight, 0);
  const made = Object.fromEntries(weighted.map(([kind]) => [kind, 0])) as Record<FaultKind, number>;
  let stopped = false;
  let count = 0;

  const draw = (): FaultKind | undefined => {
    let left = random.next() * total;
    for (const [kind, weight] of weighted) {
      left -= weight;
      if (left < 0) return kind;
    }
    return undefined;
  };
  const strike = () => {
    const kind = draw();
    const present = nodes();
    // The same chances are used up whatever the kind, so that leaving out the last faults moves none before.
    const own = random.fork(`fault ${count}`);
    if (stopped || kind === undefined || count >= maxFaults || present.length === 0) return;
    count += 1;
    made[kind] += 1;
    chronicle.note('nemesis', kind);
    const end = makeFault(kind, { network, random: own, nodes: present });
    agenda.put(agenda.now() + own.between(...lastsMs), () => {
      if (!stopped) end();
    });
    plan();
  };
  const plan = () => void agenda.put(agenda.now() + random.between(...everyMs), strike);
  if (total > 0) plan();
  return {
    made,
    stop() {
      stopped = true;
    },
  };
}

/** Makes a fault, and gives what ends it. */
function makeFault(
  kind: FaultKind,
  { network, random, nodes }: Pick<Surroundings, 'network' | 'random'> & { readonly nodes: readonly SimulatedNode<unknown>[] },
): () => void {
  const node = random.pick(nodes);
  const other = random.pick(nodes);
  const heal = () => network.heal();
  switch (kind) {
    case 'crash':
      node.crash();
      return () => node.restart();
    case 'partition': {
      const sides = nodes.map(({ name }) => ({ name, side: random.below(2) }));
      network.partition(...[0, 1].map((side) => sides.filter((one) => one.side === side).map(({ name }) => name)));
      return heal;
    }
    case 'one-way-cut':
      network.cut(node.name, other.name);
      return heal;
    case 'loss':
      network.set({ loss: random.between(0.05, 0.5) });
      return heal;
    case 'duplication':
      network.set({ duplication: random.between(0.1, 0.9) });
      return heal;
    case 'slow-network':
      network.set({ delayMs: [1, random.between(50, 1_000)] });
      return heal;
    case 'disk-failure':
      node.disk.fail();
      return () => node.disk.heal();
    case 'slow-disk':
      node.disk.slow(random.between(2, 100));
      return () => node.disk.heal();
    case 'clock-jump':
      node.clock.jump(random.between(-60_000, 60_000));
      return () => node.clock.correct();
    case 'clock-drift':
      node.clock.drift(random.between(-500, 500));
      return () => node.clock.correct();
    case 'disk-rollback': {
      const backup = node.disk.snapshot();
      return () => {
        node.crash();
        node.disk.restore(backup);
        node.restart();
      };
    }
    case 'disk-copy':
      node.crash();
      node.disk.restore(other.disk.snapshot());
      return () => node.restart();
  }
}
