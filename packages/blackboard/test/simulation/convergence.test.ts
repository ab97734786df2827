import { MeshworkError } from '@meshwork/core';
import { runSeeds } from '@meshwork/testing/simulation';
import { expect, it } from 'vitest';
import type { Blackboard, Entry } from '../../src/index.ts';
import { board, converge, createWorld, someFaults, type World } from './simulated-hubs.ts';

interface Written {
  readonly key: string;
  readonly id: string;
  readonly replica: string;
  readonly counter: number;
  /** What the hub had seen a moment later. */
  readonly vector: Readonly<Record<string, number>>;
}

/** What clients know of their own writes. */
class Ledger {
  readonly written: Written[] = [];
  /** Keys with a write or a deletion whose outcome nobody knows: it may have superseded anything. */
  readonly doubted = new Set<string>();
  readonly deletions: { readonly key: string; readonly vector: Readonly<Record<string, number>> }[] = [];
  counted = 0;
  maybeCounted = 0;
  readonly added = new Set<string>();
  failures = 0;
}

function isUnknown(error: unknown): boolean {
  return MeshworkError.isInstance(error) && error.code === 'UNKNOWN_OUTCOME';
}

async function writeSomething({ simulation: { random }, hubs }: World, ledger: Ledger, id: string, hasTtl: boolean): Promise<void> {
  const hub = random.pick(hubs);
  const key = `key/${random.below(6)}`;
  const kind = random.pick(['set', 'set', 'set', 'delete', 'increment', 'add', hasTtl ? 'ttl' : 'set'] as const);
  try {
    await hub.call(async (blackboard) => {
      const plans = blackboard.board(board);
      if (kind === 'increment') await plans.increment('count', 1);
      else if (kind === 'add') await plans.add('tags', id);
      else if (kind === 'ttl') await plans.set(`short/${key}`, id, { ttlMs: 300 });
      else if (kind === 'delete') {
        await plans.delete(key);
        ledger.deletions.push({ key, vector: (await blackboard.status(board)).vector });
      } else {
        const entry = await plans.set(key, id);
        ledger.written.push({ key, id, replica: entry.replica, counter: entry.clock[entry.replica]!, vector: (await blackboard.status(board)).vector });
      }
    });
    if (kind === 'increment') ledger.counted++;
    if (kind === 'add') ledger.added.add(id);
  } catch (error) {
    ledger.failures++;
    if (!isUnknown(error)) return;
    if (kind === 'increment') ledger.maybeCounted++;
    else if (kind === 'set' || kind === 'delete') ledger.doubted.add(key);
  }
}

/** Every acknowledged write can be read, or somebody wrote who had seen it. */
async function expectNothingLost(hub: Blackboard, ledger: Ledger): Promise<void> {
  const plans = hub.board(board);
  for (const { key, id, replica, counter } of ledger.written) {
    const entry = await plans.get(key);
    const shown: Entry[] = [...(await plans.conflicts(key))];
    if (entry !== undefined) shown.push(entry);
    if (shown.some(({ value }) => value === id) || ledger.doubted.has(key)) continue;
    const later = [...ledger.written.filter((write) => write.id !== id), ...ledger.deletions].filter((write) => write.key === key);
    if (later.some(({ vector }) => (vector[replica] ?? 0) >= counter)) continue;
    throw new Error(`the acknowledged write ${id} of ${key} is lost`);
  }
  const count = ((await plans.get('count'))?.value ?? 0) as number;
  expect(count).toBeGreaterThanOrEqual(ledger.counted);
  expect(count).toBeLessThanOrEqual(ledger.counted + ledger.maybeCounted);
  const tags = ((await plans.get('tags'))?.value ?? []) as string[];
  expect(tags).toEqual(expect.arrayContaining([...ledger.added]));
}

/** Versions that an honest board of these entries needs. */
async function versionsNeeded(hub: Blackboard): Promise<number> {
  const entries = await hub.board(board).list('');
  const sizes = entries.map(({ kind, value, clock, conflicts }) =>
    kind === 'counter' ? Object.keys(clock).length : kind === 'set' ? (value as string[]).length : 1 + conflicts,
  );
  const { members } = await hub.status(board);
  return sizes.reduce((sum, size) => sum + size, members.length);
}

it('hubs become equal and lose nothing that was acknowledged, whatever fails', { timeout: 600_000 }, async () => {
  await runSeeds({
    seeds: 200,
    async run({ seed, maxFaults }) {
      const world = createWorld({ seed, maxFaults, hubs: 3 + (seed % 3) });
      const { simulation, hubs } = world;
      const ledger = new Ledger();
      const hasTtl = seed % 5 === 0;
      await simulation.run(async () => {
        await simulation.elapse(500);
        simulation.nemesis(someFaults);
        const clients = Array.from({ length: 3 }, async (_, client) => {
          for (let at = 0; at < 25; at++) {
            await writeSomething(world, ledger, `${client}.${at}`, hasTtl);
            await simulation.elapse(simulation.random.between(1, 150));
          }
        });
        await Promise.all(clients);
        simulation.heal();
        await converge(world);
        for (const hub of hubs) await hub.call((blackboard) => expectNothingLost(blackboard, ledger));
        // What expired is deleted by others a minute after, when its writer is not there; then the deletions go.
        await simulation.elapse(hasTtl ? 70_000 : 2_000);
        await converge(world);
        for (const hub of hubs) {
          const [versions, needed] = await hub.call(async (blackboard) => [(await blackboard.status(board)).versions, await versionsNeeded(blackboard)]);
          expect(versions).toBe(needed);
        }
        expect(ledger.written.length).toBeGreaterThan(3);
        // No disk lost anything, so nobody has given away what it did not have for good.
        expect(world.renamed).toEqual([]);
      });
    },
  });
});
