import type { QuorumStore } from '@meshwork/blackboard';
import { createMemoryKeyValueStore, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { createSimulation, runSeeds, type SimulatedNode, type Simulation } from '@meshwork/testing/simulation';
import { expect, it } from 'vitest';
import { remoteStore } from './remote-store.ts';
import { hubProgram, readEverywhere, recordStrong, refuseWhatIsNotLinearizable, runClient } from './strong-world.ts';

const names = ['one', 'two', 'three', 'four', 'five'];

async function persistently(work: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof UnavailableError || error instanceof UnknownOutcomeError)) throw error;
    }
  }
}

/** Members are changed again and again; now and then one loses its disk, and is admitted again before the next one does. */
async function changeAbout(
  simulation: Simulation,
  nodes: readonly SimulatedNode<QuorumStore>[],
  { isOver, pauseMs }: { readonly isOver: () => boolean; readonly pauseMs: number },
): Promise<void> {
  const random = simulation.random.fork('changes');
  while (!isOver()) {
    await simulation.elapse(random.between(0, pauseMs));
    if (random.chance(0.3)) {
      const node = random.pick(nodes);
      node.crash();
      node.disk.restore({ writes: [] });
      node.restart();
    }
    const wanted = names
      .map((name) => ({ name, place: random.next() }))
      .sort((one, other) => one.place - other.place)
      .slice(0, random.pick([3, 3, 5]))
      .map(({ name }) => name);
    await persistently(async () => {
      await simulation.elapse(50);
      if (!isOver()) await random.pick(nodes).call((store) => store.changeMembers(wanted, { signal: AbortSignal.timeout(10_000) }));
    });
  }
}

async function tryChanges({ seed, maxFaults }: { readonly seed: number; readonly maxFaults: number }): Promise<number> {
  const simulation = createSimulation({ seed, maxFaults, requestTimeoutMs: 2_000 });
  const recorder = recordStrong();
  const shared = createMemoryKeyValueStore();
  let last = 0;
  await simulation.run(async () => {
    const members = names.slice(0, 3);
    const nodes = names.map((name) => simulation.node(name, hubProgram({ members, epochs: (machine) => remoteStore(shared, machine) })));
    simulation.nemesis({ everyMs: [50, 500], lastsMs: [50, 1_000] });
    // In haste many writes meet a change, and one register has them all.
    const isHasty = simulation.random.chance(0.5);
    const options = { recorder, keys: isHasty ? ['a'] : ['a', 'b'], operations: 40, pauseMs: isHasty ? 20 : 200 };
    let isOver = false;
    const changing = changeAbout(simulation, nodes, { isOver: () => isOver, pauseMs: isHasty ? 50 : 1_000 });
    await Promise.all(['ann', 'bob', 'cem', 'dora'].map((client) => runClient(client, simulation, () => nodes, options)));
    isOver = true;
    simulation.heal();
    await changing;
    await persistently(() => (nodes[0] as SimulatedNode<QuorumStore>).call((store) => store.changeMembers(names, { signal: AbortSignal.timeout(60_000) })));
    await readEverywhere(simulation, nodes, options);
    last = await (nodes[0] as SimulatedNode<QuorumStore>).call((store) => store.status.epoch?.number ?? 0);
  });
  refuseWhatIsNotLinearizable(recorder);
  return last;
}

it('is linearizable while members change and lose their disks, whatever fails', { timeout: 300_000 }, async () => {
  let epochs = 0;
  let runs = 0;
  await runSeeds({
    seeds: 200,
    run: async (options) => {
      epochs += await tryChanges(options);
      runs += 1;
    },
  });
  // A single seed that is repeated says nothing of that.
  if (runs > 20) expect(epochs / runs, 'members hardly ever changed').toBeGreaterThan(3);
});
