import { runSeeds } from '@meshwork/testing/simulation';
import { expect, it } from 'vitest';
import { board, converge, createWorld, someFaults, type World } from './simulated-hubs.ts';

/** What was acknowledged, and by whom. */
type Kept = Map<string, string>;

async function write({ simulation: { random }, hubs }: World, id: string, kept: Kept): Promise<void> {
  const hub = random.pick(hubs);
  const key = `key/${random.below(8)}`;
  const kind = random.pick(['set', 'delete', 'add', 'add'] as const);
  await hub
    .call(async (blackboard) => {
      const plans = blackboard.board(board);
      if (kind === 'set') await plans.set(key, id);
      else if (kind === 'delete') await plans.delete(key);
      else await plans.add('tags', id);
      if (kind === 'add') kept.set(id, hub.name);
    })
    .catch(() => {});
}

it('hubs that come and go leave the others equal, with nothing lost and nothing left over', { timeout: 600_000 }, async () => {
  await runSeeds({
    seeds: 30,
    async run({ seed, maxFaults }) {
      // So little patience that hubs are also retired which are only cut off for a while.
      const world = createWorld({ seed, maxFaults, hubs: 3, lateHubs: 2, maxAbsenceMs: 1_500, forgottenMs: 3_600_000 });
      const { simulation, hubs } = world;
      const kept: Kept = new Map();
      await simulation.run(async () => {
        await simulation.elapse(500);
        simulation.nemesis(someFaults);
        for (let at = 0; at < 60; at++) {
          await Promise.all([write(world, `${at}.a`, kept), write(world, `${at}.b`, kept)]);
          await simulation.elapse(simulation.random.between(1, 150));
          if (at === 15 || at === 30) world.join();
          if (at === 45) world.leave(simulation.random.pick(hubs));
        }
        simulation.heal();
        await simulation.elapse(5_000);
        await converge(world);
        const there = new Set(hubs.map(({ name }) => name));
        for (const hub of hubs) {
          const { entries, status } = await hub.call(async (blackboard) => ({
            entries: await blackboard.board(board).list(''),
            status: await blackboard.status(board),
          }));
          const tags = (entries.find(({ key }) => key === 'tags')?.value ?? []) as string[];
          for (const [id, by] of kept) if (there.has(by)) expect(tags, `${id}, which ${by} has acknowledged`).toContain(id);
          expect(
            status.members
              .filter(({ state }) => state === 'active')
              .map(({ name }) => name)
              .sort(),
          ).toEqual([...there].sort());
        }
        // Once all that was ever written is deleted, only the members are left, and a record of those who are forgotten.
        for (const key of ['tags', ...Array.from({ length: 8 }, (_, at) => `key/${at}`)]) {
          await simulation.random.pick(hubs).call((blackboard) => blackboard.board(board).delete(key));
        }
        await converge(world);
        await simulation.elapse(5_000);
        for (const hub of hubs) {
          const { keys, versions, members, forgotten } = await hub.call((blackboard) => blackboard.status(board));
          expect(keys).toBe(0);
          expect(versions - members.length, 'records').toBeLessThanOrEqual(forgotten > 0 ? 2 : 0);
        }
      });
    },
  });
});
