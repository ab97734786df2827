import { MeshworkError } from '@meshwork/core';
import { runSeeds } from '@meshwork/testing/simulation';
import { expect, it } from 'vitest';
import type { Blackboard, BoardSession } from '../../src/index.ts';
import { board, converge, createWorld, someFaults, type World } from './simulated-hubs.ts';

const settings = { level: 'session' } as const;

/** The highest of all that a session reads of a key that it alone writes. */
async function readOwn(session: BoardSession, key: string): Promise<number> {
  const entry = await session.get(key, { timeoutMs: 2_000 });
  const all = [entry, ...(await session.conflicts(key, { timeoutMs: 2_000 }))];
  return all.reduce((most, one) => Math.max(most, (one?.value as number | undefined) ?? 0), 0);
}

/** A client that goes from hub to hub with its token, and holds each hub to what it has seen before. */
async function wander({ simulation: { random, elapse }, hubs }: World, name: string, counts: { asked: number }): Promise<void> {
  const key = `own/${name}`;
  let token: string | undefined;
  let written = 0;
  let tried = 0;
  let counted = 0;
  for (let at = 0; at < 25; at++) {
    const write = random.chance(0.5);
    const outcome = await random
      .pick(hubs)
      .call(async (blackboard: Blackboard) => {
        const session = blackboard.board(board).session(token);
        if (write) {
          tried++;
          await session.set(key, tried, { timeoutMs: 2_000 });
          await session.increment('count', 1, { timeoutMs: 2_000 });
          return { token: session.token, wrote: tried };
        }
        const own = await readOwn(session, key);
        const count = ((await session.get('count', { timeoutMs: 2_000 }))?.value ?? 0) as number;
        return { token: session.token, own, count };
      })
      .catch((error: unknown) => {
        if (MeshworkError.isInstance(error)) return undefined;
        throw error;
      });
    if (outcome !== undefined) {
      ({ token } = outcome);
      if (outcome.wrote !== undefined) written = outcome.wrote;
      else {
        counts.asked++;
        expect(outcome.own, `${name} reads its own writes`).toBeGreaterThanOrEqual(written);
        expect(outcome.count, `${name} reads no less than before`).toBeGreaterThanOrEqual(counted);
        counted = outcome.count;
      }
    }
    await elapse(random.between(1, 120));
  }
}

/** A client that writes keys once and deletes them, and looks for them wherever it comes. */
async function cleanUp({ simulation: { random, elapse }, hubs }: World, name: string, counts: { asked: number }): Promise<void> {
  let token: string | undefined;
  const deleted: string[] = [];
  for (let at = 0; at < 12; at++) {
    const key = `once/${name}/${at}`;
    const work = async (use: (session: BoardSession) => Promise<void>): Promise<boolean> => {
      const outcome = await random
        .pick(hubs)
        .call(async (blackboard) => {
          const session = blackboard.board(board).session(token);
          await use(session);
          return session.token;
        })
        .catch((error: unknown) => {
          if (MeshworkError.isInstance(error)) return undefined;
          throw error;
        });
      token = outcome ?? token;
      await elapse(random.between(1, 300));
      return outcome !== undefined;
    };
    const isWritten = await work(async (session) => void (await session.set(key, at, { timeoutMs: 2_000 })));
    // Of a write that nobody knows of, one part may be deleted and another appear later.
    if (!isWritten) continue;
    if (await work(async (session) => void (await session.delete(key, { timeoutMs: 2_000 })))) deleted.push(key);
    await work(async (session) => {
      for (const gone of deleted) expect(await session.get(gone, { timeoutMs: 2_000 }), `${name} has deleted ${gone}`).toBeUndefined();
      counts.asked++;
    });
  }
}

it('a session never again sees what it deleted, on whatever hub, also once the deletion is forgotten', { timeout: 600_000 }, async () => {
  await runSeeds({
    seeds: 100,
    async run({ seed, maxFaults }) {
      const world = createWorld({ seed, maxFaults, hubs: 3, settings });
      const counts = { asked: 0 };
      await world.simulation.run(async () => {
        await world.simulation.elapse(500);
        world.simulation.nemesis(someFaults);
        await Promise.all(['ada', 'bob'].map((name) => cleanUp(world, name, counts)));
        world.simulation.heal();
        await converge(world);
        expect(counts.asked).toBeGreaterThan(0);
      });
    },
  });
});

it('a session reads its own writes and never less than before, on whatever hub', { timeout: 600_000 }, async () => {
  await runSeeds({
    seeds: 100,
    async run({ seed, maxFaults }) {
      const world = createWorld({ seed, maxFaults, hubs: 3, settings });
      const counts = { asked: 0 };
      await world.simulation.run(async () => {
        await world.simulation.elapse(500);
        world.simulation.nemesis(someFaults);
        await Promise.all(['ada', 'bob', 'eve'].map((name) => wander(world, name, counts)));
        world.simulation.heal();
        await converge(world);
        expect(counts.asked).toBeGreaterThan(0);
      });
    },
  });
});
