import { createKeyValueStrongStore, type StrongStore } from '@meshwork/blackboard';
import { createMemoryKeyValueStore, type KeyValueStore } from '@meshwork/core';
import { createSimulation, type Machine, runSeeds } from '@meshwork/testing/simulation';
import { expect, it } from 'vitest';
import { remoteStore } from './remote-store.ts';
import { board, readEverywhere, recordStrong, refuseWhatIsNotLinearizable, runClient } from './strong-world.ts';

const keys = ['a', 'b'];

interface Trial {
  readonly seed: number;
  readonly maxFaults: number;
  readonly confirmReads?: boolean;
  /** How a machine sees the store. */
  readonly reach?: (store: KeyValueStore, machine: Machine) => KeyValueStore;
}

async function tryStore({ seed, maxFaults, confirmReads = false, reach = remoteStore }: Trial): Promise<number> {
  const simulation = createSimulation({ seed, maxFaults });
  const recorder = recordStrong();
  const shared = createMemoryKeyValueStore();
  await simulation.run(async () => {
    const program = (machine: Machine): StrongStore =>
      createKeyValueStrongStore({ name: machine.name, board, store: reach(shared, machine), ids: machine.ids, confirmReads });
    const nodes = ['one', 'two', 'three'].map((name) => simulation.node(name, program));
    simulation.nemesis({ weights: { partition: 0, 'one-way-cut': 0, loss: 0, duplication: 0, 'slow-network': 0 } });
    const options = { recorder, keys, operations: 30, compareAndSets: 0.3, pauseMs: 60 };
    await Promise.all(['ann', 'bob', 'cem', 'dora'].map((client) => runClient(client, simulation, () => nodes, options)));
    simulation.heal();
    await readEverywhere(simulation, nodes, options);
  });
  refuseWhatIsNotLinearizable(recorder);
  return recorder.history().filter(({ returned }) => returned === undefined).length;
}

it('is linearizable, compare-and-set too, whatever becomes of calls and hubs', { timeout: 300_000 }, async () => {
  let unknown = 0;
  let runs = 0;
  await runSeeds({
    seeds: 500,
    run: async (options) => {
      unknown += await tryStore(options);
      runs += 1;
    },
  });
  if (runs > 20) expect(unknown / runs, 'outcomes that nobody knows are rare, and settled by a look').toBeLessThan(4);
});

/** A store whose reads may be as old as 200 ms, as those of a leader that is cut off. */
function staleStore(store: KeyValueStore, machine: Machine): KeyValueStore {
  const remote = remoteStore(store, machine);
  const seen = new Map<string, { readonly at: number; readonly entry: Awaited<ReturnType<KeyValueStore['get']>> }>();
  return {
    ...remote,
    async get(key) {
      const known = seen.get(key);
      if (known !== undefined && machine.clock.monotonic() - known.at < 200 && machine.random.chance(0.5)) return known.entry;
      const entry = await remote.get(key);
      seen.set(key, { at: machine.clock.monotonic(), entry });
      return entry;
    },
  };
}

it('is linearizable on a store with stale reads, when reads are confirmed', { timeout: 300_000 }, async () => {
  await runSeeds({ seeds: 100, run: async (options) => void (await tryStore({ ...options, confirmReads: true, reach: staleStore })) });
});

it('is not, when they are not', async () => {
  const stale = async () => {
    for (let seed = 1; seed <= 30; seed++) await tryStore({ seed, maxFaults: 10, reach: staleStore });
  };
  await expect(stale()).rejects.toThrow('not linearizable');
});
