import { runSeeds } from '@meshwork/testing/simulation';
import { expect, it } from 'vitest';
import { board, converge, createWorld, someFaults, type World } from './simulated-hubs.ts';

const faults = { ...someFaults, weights: { 'disk-rollback': 3, 'disk-copy': 3 } };

/** What was acknowledged, and by whom. */
type Kept = Map<string, string>;

async function write({ simulation: { random }, hubs }: World, id: string, kept: Kept): Promise<void> {
  const key = `key/${random.below(8)}`;
  const kind = random.pick(['set', 'set', 'delete', 'increment', 'add'] as const);
  const hub = random.pick(hubs);
  await hub
    .call(async (blackboard) => {
      const plans = blackboard.board(board);
      if (kind === 'increment') await plans.increment('count', 1);
      else if (kind === 'add') await plans.add('tags', id);
      else if (kind === 'delete') await plans.delete(key);
      else await plans.set(key, id);
      if (kind === 'add') kept.set(id, hub.name);
    })
    .catch(() => {});
}

it.for([{ name: undefined }, { name: 'all the same' }])(
  'hubs become equal after backups and copied disks, when their name is $name',
  { timeout: 600_000 },
  async ({ name }) => {
    await runSeeds({
      seeds: 40,
      async run({ seed, maxFaults }) {
        const world = createWorld({
          seed,
          maxFaults,
          hubs: 3 + (seed % 2),
          trace: true,
          maxAbsenceMs: seed % 3 === 0 ? 1_500 : 8_000,
          ...(name !== undefined && { name }),
        });
        const { simulation, hubs } = world;
        const kept: Kept = new Map();
        await simulation.run(async () => {
          await simulation.elapse(500);
          simulation.nemesis(faults);
          await Promise.all(
            Array.from({ length: 3 }, async (_, client) => {
              for (let at = 0; at < 25; at++) {
                await write(world, `${client}.${at}`, kept);
                await simulation.elapse(simulation.random.between(1, 150));
              }
            }),
          );
          simulation.heal();
          await converge(world);
          // Whose disk was never damaged has lost nothing.
          const damaged = new Set(simulation.trace.flatMap((line) => / (hub\d) disk-restored/.exec(line)?.[1] ?? []));
          const tags = ((await simulation.random.pick(hubs).call((blackboard) => blackboard.board(board).get('tags')))?.value ?? []) as string[];
          for (const [id, by] of kept) if (!damaged.has(by)) expect(tags, `${id}, which ${by} has acknowledged`).toContain(id);
          // From now on nothing is lost, and nothing that is deleted comes back.
          const keys = Array.from({ length: 8 }, (_, at) => `key/${at}`);
          for (const key of keys) await simulation.random.pick(hubs).call((blackboard) => blackboard.board(board).delete(key));
          await simulation.random.pick(hubs).call((blackboard) => blackboard.board(board).set('last', 'word'));
          await converge(world);
          for (const hub of hubs) {
            hub.crash();
            hub.restart();
          }
          await converge(world);
          for (const hub of hubs) {
            const left = await hub.call((blackboard) => blackboard.board(board).list(''));
            expect(left.map(({ key }) => key).filter((key) => key !== 'count' && key !== 'tags')).toEqual(['last']);
          }
        });
      },
    });
  },
);
