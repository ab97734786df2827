import type { StrongStore } from '@meshwork/blackboard';
import { createSimulation, runSeeds, type SimulatedNode, type Simulation } from '@meshwork/testing/simulation';
import { it } from 'vitest';
import { hubProgram, readEverywhere, recordStrong, refuseWhatIsNotLinearizable, runClient } from './strong-world.ts';

const clients = ['ann', 'bob', 'cem', 'dora', 'eve'];

interface Trial {
  readonly seed: number;
  readonly maxFaults: number;
  readonly size: number;
  /** Many clients in haste, whose requests go together. */
  readonly isCrowded?: boolean;
  /** More that goes wrong while clients work. */
  readonly disturb?: (simulation: Simulation, nodes: readonly SimulatedNode<StrongStore>[]) => Promise<void>;
}

async function tryQuorum({ seed, maxFaults, size, isCrowded = false, disturb = async () => {} }: Trial): Promise<void> {
  const simulation = createSimulation({ seed, maxFaults, requestTimeoutMs: 2_000 });
  const recorder = recordStrong();
  const members = ['one', 'two', 'three', 'four', 'five'].slice(0, size);
  await simulation.run(async () => {
    const nodes = members.map((name) => simulation.node(name, hubProgram({ members })));
    simulation.nemesis({ everyMs: [20, 300], lastsMs: [50, 1_500] });
    const options = { recorder, keys: isCrowded ? ['a', 'b', 'c', 'd'] : ['a', 'b'], operations: 30, pauseMs: isCrowded ? 40 : 200 };
    const all = isCrowded ? [1, 2, 3].flatMap((each) => clients.map((client) => `${client} ${each}`)) : clients;
    await Promise.all([disturb(simulation, nodes), ...all.map((client) => runClient(client, simulation, () => nodes, options))]);
    simulation.heal();
    await readEverywhere(simulation, nodes, options);
  });
  refuseWhatIsNotLinearizable(recorder);
}

it('is linearizable in a crowd, whatever fails', { timeout: 300_000 }, async () => {
  await runSeeds({ seeds: 60, run: (options) => tryQuorum({ ...options, size: 3, isCrowded: true }) });
});

it('is linearizable with three members, whatever fails', { timeout: 300_000 }, async () => {
  await runSeeds({ seeds: 400, run: (options) => tryQuorum({ ...options, size: 3 }) });
});

it('is linearizable with five members, whatever fails', { timeout: 300_000 }, async () => {
  await runSeeds({ seeds: 200, run: (options) => tryQuorum({ ...options, size: 5 }) });
});

it('is linearizable when a member loses its disk, which leaves the majority to the others', { timeout: 300_000 }, async () => {
  const loseDisk = async (simulation: Simulation, nodes: readonly SimulatedNode<StrongStore>[]) => {
    // Until all have written down who they are, nobody can do without one.
    const isFormed = () =>
      (nodes[0] as SimulatedNode<StrongStore>)
        .call((store) => store.read('a', { signal: AbortSignal.timeout(1_000) }))
        .then(
          () => true,
          () => false,
        );
    while (!(await isFormed())) await simulation.elapse(50);
    await simulation.elapse(simulation.random.between(0, 2_000));
    const node = simulation.random.pick(nodes);
    node.crash();
    node.disk.restore({ writes: [] });
    node.restart();
  };
  await runSeeds({ seeds: 200, run: (options) => tryQuorum({ ...options, size: 3, disturb: loseDisk }) });
});
