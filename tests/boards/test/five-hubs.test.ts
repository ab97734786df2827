import { env } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { createRandom } from '@meshwork/testing/simulation';
import { afterAll, expect, it } from 'vitest';
import { wreak } from '../src/chaos.ts';
import { createFormation, type Formation } from '../src/formation.ts';
import { createLedger, faultsOf } from '../src/ledger.ts';
import { writeOn } from '../src/writers.ts';

const lastsMs = env.MESHWORK_LONG_TESTS === '1' ? 60_000 : 20_000;
const seed = Number(env.MESHWORK_SEED ?? Date.now() % 1_000_000);

let formation: Formation | undefined;
afterAll(() => formation?.close());

it('five hubs that are killed and cut off from one another lose nothing, and end up equal', { timeout: lastsMs + 240_000 }, async () => {
  console.log(`seed ${seed}: MESHWORK_SEED=${seed} makes the same faults`);
  const random = createRandom(seed);
  formation = await createFormation(['one', 'two', 'three', 'four', 'five']);
  const { hubs, ways } = formation;
  const ledger = createLedger();
  const end = new AbortController();
  const writers = hubs.flatMap((hub) =>
    ['a', 'b'].map((which) => writeOn({ hub, name: `${hub.name}-${which}`, ledger, random: random.fork(`${hub.name}-${which}`).next }, end.signal)),
  );
  const chaos = wreak({ hubs, ways, random: random.fork('chaos').next }, end.signal);
  await pause(lastsMs);
  end.abort();
  const [damage] = await Promise.all([chaos, ...writers]);
  formation.heal();
  console.log({ ...damage, acknowledged: ledger.acknowledged, unknown: ledger.unknown });
  expect(damage.kills).toBeGreaterThan(0);
  expect(ledger.acknowledged).toBeGreaterThan(100);

  const { digests, entries } = formation;
  await expect.poll(async () => new Set(await digests()).size, { timeout: 120_000, interval: 500 }).toBe(1);
  expect((await digests())[0]).toMatch(/^\d+-[0-9a-f]+$/);
  for (const hub of hubs) {
    const values = await entries(hub);
    expect(values.size).toBeGreaterThan(10);
    expect(faultsOf(ledger, (key) => values.get(key))).toEqual([]);
  }
});
