import { createMemoryStore, type Store } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { type Attempt, countOutcomes, type LoadCaller, OUTAGE_MS, pause, slowest, startLoad } from '../src/load.ts';
import { inProcess, LATEST_MS, type OutageWorld, openOutageWorld, overMcp, overRest, overWebSocket, toolFor } from '../src/outage-world.ts';
import { unreliable } from '../src/unreliable-store.ts';

/** What a caller may be told while the store is away: nothing else, and never nothing. */
const CLEAR = new Set(['ok', '503', 'UNAVAILABLE', 'DEADLINE_EXCEEDED']);

/** The grace of server and hub, the time a module has, and a generous margin. */
const CLOSED_MS = 5_000 + 5_000 + 10_000 + 10_000;

/** Thirty-two, a quarter of them on each face. */
async function callersOf({ server, guard, hub }: OutageWorld) {
  const keys = await Promise.all(Array.from({ length: 24 }, async (_, index) => (await guard.agents.add({ name: `agent-${index}` })).key));
  const bearing = (key = '') => ({ authorization: `Bearer ${key}` });
  const mcp = keys.slice(0, 8).map((key, index) => overMcp(`mcp-${index}`, server.url, () => bearing(key)));
  const rest = keys.slice(8, 16).map((key, index) => overRest(`rest-${index}`, server.url, () => bearing(key)));
  const webSocket = await Promise.all(keys.slice(16).map((key, index) => overWebSocket(`ws-${index}`, server.url, key)));
  const local = await Promise.all(Array.from({ length: 8 }, (_, index) => inProcess(`local-${index}`, hub)));
  const callers: readonly LoadCaller[] = [...mcp, ...rest, ...webSocket, ...local];
  return { callers, close: () => Promise.all([...webSocket, ...local].map((caller) => caller.close())) };
}

async function expectNothingLost(attempts: readonly Attempt[], store: Store, { log }: OutageWorld) {
  const acknowledged = attempts.filter(({ outcome }) => outcome === 'ok');
  const written = acknowledged.filter(({ id }) => toolFor(id) === 'note_write');
  for (const { id } of written) expect(await store.get(`note/${id}`)).toMatchObject({ value: id });
  expect(await log.verify()).toMatchObject({ ok: true });
  const recorded = async (name: string) => (await log.list({ name, outcome: 'ok', limit: 1_000_000 })).length;
  expect(await recorded('note_write')).toBeGreaterThanOrEqual(written.length);
  expect(await recorded('note_read')).toBeGreaterThanOrEqual(acknowledged.length - written.length);
}

describe('a store that goes away under load', () => {
  it.each(['failing', 'hanging', 'deaf'] as const)(
    'and is %s: every call ends in time, with a clear answer; all is well by itself when it is back, and nothing acknowledged is lost',
    async (outage) => {
      const inner = createMemoryStore();
      const { store, turn } = unreliable(inner);
      await using world = await openOutageWorld(store);
      const { callers, close } = await callersOf(world);
      const load = startLoad(callers);
      await load.allWell();

      turn(outage);
      // What was read of the keys is trusted no longer by now.
      world.advance(6_000);
      await pause(OUTAGE_MS);
      turn('there');
      await load.allWell();
      const attempts = await load.stop();

      const outcomes = countOutcomes(attempts);
      expect(Object.keys(outcomes).filter((outcome) => !CLEAR.has(outcome))).toEqual([]);
      expect(slowest(attempts)).toBeLessThan(LATEST_MS);
      // The store was away, and callers of every face were told.
      const refused = new Set(attempts.filter(({ outcome }) => outcome !== 'ok').map(({ caller }) => caller.replace(/-\d+$/, '')));
      expect([...refused].sort()).toEqual(['local', 'mcp', 'rest', 'ws']);
      await expectNothingLost(attempts, inner, world);
      await close();
    },
    120_000,
  );

  it('and never comes back: the server and the hub close in time, with calls under way', async () => {
    const { store, turn } = unreliable(createMemoryStore());
    const world = await openOutageWorld(store);
    const { callers, close } = await callersOf(world);
    const load = startLoad(callers.filter(({ name }) => name.startsWith('local') || name.startsWith('mcp')));
    await load.allWell();
    turn('deaf');
    const stopped = load.stop();
    const started = performance.now();
    await world.server.close();
    await world.hub.close();
    expect(performance.now() - started).toBeLessThan(CLOSED_MS);
    expect(countOutcomes(await stopped).hung).toBeUndefined();
    await close();
  }, 120_000);
});
