import { createSimulation, runSeeds } from '@meshwork/testing/simulation';
import { it } from 'vitest';
import { hubProgram, readEverywhere, recordStrong, refuseWhatIsNotLinearizable, runClient } from './strong-world.ts';

const keys = ['a', 'b'];

async function tryQuorum({ seed, maxFaults, size }: { readonly seed: number; readonly maxFaults: number; readonly size: number }): Promise<void> {
  const simulation = createSimulation({ seed, maxFaults, requestTimeoutMs: 2_000 });
  const recorder = recordStrong();
  const members = ['one', 'two', 'three', 'four', 'five'].slice(0, size);
  await simulation.run(async () => {
    const nodes = members.map((name) => simulation.node(name, hubProgram({ members })));
    simulation.nemesis({ everyMs: [20, 300], lastsMs: [50, 1_500] });
    const options = { recorder, keys, operations: 12 };
    await Promise.all(['ann', 'bob', 'cem', 'dora'].map((client) => runClient(client, simulation, () => nodes, options)));
    simulation.heal();
    await readEverywhere(simulation, nodes, options);
  });
  refuseWhatIsNotLinearizable(recorder);
}

it('is linearizable with three members, whatever fails', async () => {
  await runSeeds({ seeds: 200, run: (options) => tryQuorum({ ...options, size: 3 }) });
});

it('is linearizable with five members, whatever fails', async () => {
  await runSeeds({ seeds: 100, run: (options) => tryQuorum({ ...options, size: 5 }) });
});
