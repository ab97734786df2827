import { createMemoryStore } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { countOutcomes, OUTAGE_MS, pause, slowest, startLoad } from '../src/load.ts';
import { LATEST_MS, openOutageWorld, overMcp, overRest } from '../src/outage-world.ts';

const idOf = (key: string) => key.split('_')[1] ?? '';

describe('API keys that are rotated with overlap under load', () => {
  it('refuse nobody who changes to the new one in time, and everybody who does not, from the end of the overlap on', async () => {
    await using world = await openOutageWorld(createMemoryStore());
    const { guard, server } = world;
    const keys = new Map<string, string>();
    const names = Array.from({ length: 32 }, (_, index) => `${index < 28 ? 'moved' : 'stayed'}-${index}`);
    for (const name of names) keys.set(name, (await guard.agents.add({ name })).key);
    const headers = (name: string) => () => ({ authorization: `Bearer ${keys.get(name)}` });
    const callers = names.map((name, index) => (index % 2 === 0 ? overMcp : overRest)(name, server.url, headers(name)));
    const load = startLoad(callers);
    await load.allWell();

    const overlapMs = OUTAGE_MS;
    const overlap = await load.during(async () => {
      for (const name of names) {
        const { key } = await guard.keys.rotate(idOf(keys.get(name) ?? ''), { overlapMs });
        await pause(overlapMs / 4 / names.length);
        if (name.startsWith('moved')) keys.set(name, key);
      }
    });
    expect(countOutcomes(overlap)).toEqual({ ok: overlap.length });

    // The first was rotated before the last, and none of them lives longer than this.
    await pause(overlapMs + 500);
    const after = await load.during(() => pause(500));
    const attempts = await load.stop();
    const moved = attempts.filter(({ caller }) => caller.startsWith('moved'));
    expect(countOutcomes(moved)).toEqual({ ok: moved.length });
    expect(Object.keys(countOutcomes(after.filter(({ caller }) => caller.startsWith('stayed')))).sort()).toEqual(['401', 'UNAUTHENTICATED']);
    expect(slowest(attempts)).toBeLessThan(LATEST_MS);
    expect(await world.log.verify()).toMatchObject({ ok: true });
  }, 60_000);
});
