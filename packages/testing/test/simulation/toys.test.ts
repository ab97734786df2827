import { UnavailableError } from '@meshwork/core';
import { checkLinearizable, type RegisterInput, type RegisterOutput, recordOperations, registerModel } from '@meshwork/testing/linearizability';
import { createSimulation, type FaultKind, runSeeds, type Simulation } from '@meshwork/testing/simulation';
import { expect, it, vi } from 'vitest';
import { growOnlySet } from './grow-only-set.ts';
import { lastWriteWins } from './last-write-wins.ts';

const names = ['a', 'b', 'c'];
const onlyClocks = {
  crash: 0,
  partition: 0,
  'one-way-cut': 0,
  loss: 0,
  duplication: 0,
  'slow-network': 0,
  'disk-failure': 0,
  'slow-disk': 0,
} as const;

/** Adds to the set under every fault, and checks that it holds all that was acknowledged, everywhere, when all is well again. */
async function tryGrowOnlySet(simulation: Simulation): Promise<Readonly<Record<FaultKind, number>>> {
  return simulation.run(async () => {
    const nodes = names.map((name) => simulation.node(name, growOnlySet(names)));
    const nemesis = simulation.nemesis();
    const acknowledged: string[] = [];
    for (let index = 0; index < 60; index++) {
      const item = `item ${index}`;
      await simulation.elapse(simulation.random.between(10, 200));
      void simulation.random
        .pick(nodes)
        .call((set) => set.add(item))
        .then(
          () => acknowledged.push(item),
          () => {},
        );
    }
    simulation.heal();
    await simulation.elapse(10_000);
    const held = await Promise.all(nodes.map((node) => node.call((set) => set.items())));
    expect(held[1]).toEqual(held[0]);
    expect(held[2]).toEqual(held[0]);
    expect(held[0]).toEqual(expect.arrayContaining(acknowledged));
    expect(acknowledged.length).toBeGreaterThan(10);
    return nemesis.made;
  });
}

/** Writes and reads the register, and asks the checker. */
async function tryLastWriteWins(simulation: Simulation): Promise<void> {
  await simulation.run(async () => {
    const nodes = names.map((name) => simulation.node(name, lastWriteWins(names)));
    simulation.nemesis();
    const recorder = recordOperations<RegisterInput, RegisterOutput>({ didNotHappen: (error) => error instanceof UnavailableError });
    for (let index = 0; index < 40; index++) {
      await simulation.elapse(simulation.random.between(10, 200));
      const node = simulation.random.pick(nodes);
      const client = `${node.name}/${index}`;
      const done = simulation.random.chance(0.5)
        ? recorder.perform(
            client,
            { type: 'write', value: index },
            () => node.call(async (register) => void (await register.write(index))) as Promise<undefined>,
          )
        : recorder.perform(client, { type: 'read' }, () => node.call((register) => register.read()));
      void done.catch(() => {});
    }
    simulation.heal();
    await simulation.elapse(10_000);
    const result = checkLinearizable(registerModel(), recorder.history());
    if (result.verdict === 'violated') throw new Error(result.counterexample.timeline);
  });
}

it('passes a set that only grows, under every fault', async () => {
  await runSeeds({ seeds: 12, run: async (options) => void (await tryGrowOnlySet(createSimulation(options))) });
});

it('really makes every kind of fault', async () => {
  const made: Partial<Record<FaultKind, number>> = {};
  const counted: Record<string, number> = {};
  for (let seed = 1; seed <= 12; seed++) {
    const simulation = createSimulation({ seed, disk: { delayMs: [5, 100] } });
    for (const [kind, count] of Object.entries(await tryGrowOnlySet(simulation)) as [FaultKind, number][]) made[kind] = (made[kind] ?? 0) + count;
    for (const [event, count] of Object.entries(simulation.counters)) counted[event] = (counted[event] ?? 0) + count;
  }
  // Those that no system bears are not drawn by themselves.
  const { 'disk-rollback': rollback, 'disk-copy': copy, ...drawn } = made;
  expect([rollback, copy]).toEqual([0, 0]);
  for (const [kind, count] of Object.entries(drawn)) expect(count, kind).toBeGreaterThan(0);
  const { 'disk-restored': _restored, 'failed-start': _failed, ...happened } = counted;
  for (const [event, count] of Object.entries(happened)) expect(count, event).toBeGreaterThan(0);
});

it('catches that a register nobody waits for is not linearizable', async () => {
  forgetEnvironment();
  const failing = runSeeds({ seeds: 5, run: ({ seed, maxFaults }) => tryLastWriteWins(createSimulation({ seed, maxFaults })) });
  await expect(failing).rejects.toThrow(
    /seed 1 fails; to repeat it: MESHWORK_SEED=1 MESHWORK_FAULTS=\d+ vitest run[\s\S]*not linearizable[\s\S]*the end of its trace/,
  );
});

it('catches that clocks lose the last write, and says how few faults that takes', async () => {
  forgetEnvironment();
  const tried: number[] = [];
  const run = async ({ seed, maxFaults }: { readonly seed: number; readonly maxFaults: number }) => {
    tried.push(maxFaults);
    const simulation = createSimulation({ seed, maxFaults });
    await simulation.run(async () => {
      const nodes = names.map((name) => simulation.node(name, lastWriteWins(names)));
      simulation.nemesis({ weights: onlyClocks });
      let last: number | undefined;
      for (let index = 0; index < 20; index++) {
        const node = simulation.random.pick(nodes);
        await node.call((register) => register.write(index));
        last = index;
        // Everybody has it before the next one begins, so that no two are concurrent.
        await simulation.elapse(1_000);
      }
      simulation.heal();
      await simulation.elapse(10_000);
      for (const node of nodes) expect(await node.call((register) => register.read())).toBe(last);
    });
  };
  await expect(runSeeds({ seeds: 30, run })).rejects.toThrow(/MESHWORK_FAULTS=[1-9]/);
  expect(tried.at(-1)).toBeGreaterThan(0);
  await run({ seed: 1, maxFaults: 0 });
});

it('does the same for the same seed, and something else for another', async () => {
  const traceOf = async (seed: number) => {
    const simulation = createSimulation({ seed, trace: true });
    await tryGrowOnlySet(simulation);
    return simulation.trace;
  };
  const first = await traceOf(5);
  expect(first.length).toBeGreaterThan(1_000);
  expect(await traceOf(5)).toEqual(first);
  expect(await traceOf(6)).not.toEqual(first);
});

it('tries the seeds that the environment asks for', async () => {
  forgetEnvironment();
  const tried: unknown[] = [];
  const run = async (options: unknown) => void tried.push(options);
  await runSeeds({ seeds: 2, from: 7, run });
  vi.stubEnv('MESHWORK_SEEDS', '1');
  await runSeeds({ seeds: 2, from: 3, run });
  vi.stubEnv('MESHWORK_SEED', '42');
  vi.stubEnv('MESHWORK_FAULTS', '3');
  await runSeeds({ seeds: 2, run });
  const maxFaults = Number.POSITIVE_INFINITY;
  expect(tried).toEqual([
    { seed: 7, maxFaults },
    { seed: 8, maxFaults },
    { seed: 3, maxFaults },
    { seed: 42, maxFaults: 3 },
  ]);
  vi.stubEnv('MESHWORK_SEED', 'x');
  await expect(runSeeds({ seeds: 2, run })).rejects.toThrow(TypeError);
});

it('finds how few faults are enough', async () => {
  forgetEnvironment();
  const run = async ({ maxFaults }: { readonly maxFaults: number }) => {
    if (maxFaults >= 4) throw new Error(`wrong with ${maxFaults}`);
  };
  await expect(runSeeds({ seeds: 1, run })).rejects.toThrow(/MESHWORK_FAULTS=4 [\s\S]*wrong with 4/);
});

/** These tests are about what fails; whoever repeats a run of the other means not them. */
function forgetEnvironment(): void {
  for (const name of ['MESHWORK_SEED', 'MESHWORK_SEEDS', 'MESHWORK_FAULTS']) vi.stubEnv(name, '');
}
