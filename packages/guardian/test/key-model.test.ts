import { createMemoryStore } from '@meshwork/core';
import { manualClock } from '@meshwork/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { from, world } from './hub-with-guardian.ts';

type Step =
  | { readonly do: 'create'; readonly agent: number; readonly ttlMs: number | undefined }
  | { readonly do: 'rotate'; readonly key: number; readonly overlapMs: number }
  | { readonly do: 'revoke'; readonly key: number }
  | { readonly do: 'remove'; readonly agent: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'restart' }
  | { readonly do: 'use' };

/** What a key should be, without any of the store's ways. */
interface ModelKey {
  readonly id: string;
  readonly key: string;
  readonly agent: string;
  readonly lifeMs: number | undefined;
  readonly replaces: ModelKey | undefined;
  endsAt: number;
  isRotated: boolean;
}

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('create' as const), agent: fc.nat(1), ttlMs: fc.option(fc.constantFrom(1_000, 4_000, 20_000), { nil: undefined }) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('rotate' as const), key: fc.nat(5), overlapMs: fc.constantFrom(0, 1_000, 6_000, 60_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('revoke' as const), key: fc.nat(5) }) },
  fc.record({ do: fc.constant('remove' as const), agent: fc.nat(1) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 999, 1_000, 3_000, 6_000, 30_000) }) },
  fc.record({ do: fc.constant('restart' as const) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('use' as const) }) },
);

it('a key opens exactly when a model of it says so, whatever was done before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.boolean(), async (steps, peppered) => {
      const clock = manualClock();
      const store = createMemoryStore({ clock });
      const pepper = peppered ? { pepper: new Uint8Array(32).fill(7) } : {};
      let { guard } = world({ store, clock, ...pepper });
      const model: ModelKey[] = [];
      const isAlive = (key: ModelKey) => clock.now() < key.endsAt;
      const isOpen = async ({ key, agent }: ModelKey) => {
        const principal = await guard.authenticator.authenticate(key, from.local);
        if (principal !== undefined) expect(principal.id).toBe(agent);
        return principal !== undefined;
      };
      const checkAll = async () => {
        for (const key of model) expect(await isOpen(key)).toBe(isAlive(key));
      };
      const enrol = (made: { key: string; id: string }, agent: string, lifeMs: number | undefined, replaces?: ModelKey) =>
        model.push({ ...made, agent, lifeMs, replaces, isRotated: false, endsAt: lifeMs === undefined ? Number.POSITIVE_INFINITY : clock.now() + lifeMs });

      for (const each of steps) {
        if (each.do === 'create') {
          const agent = `agent-${each.agent}`;
          if ((await guard.agents.get(agent)) === undefined) {
            const { key } = await guard.agents.add({ name: agent });
            enrol({ key, id: key.slice(3, 19) }, agent, undefined);
          }
          const { key, apiKey } = await guard.keys.create({ agent, ...(each.ttlMs !== undefined && { ttlMs: each.ttlMs }) });
          enrol({ key, id: apiKey.id }, agent, each.ttlMs);
        } else if (each.do === 'rotate') {
          const old = model[each.key % Math.max(1, model.length)];
          if (old === undefined) continue;
          if (!isAlive(old) || old.isRotated) {
            await expect(guard.keys.rotate(old.id, { overlapMs: each.overlapMs })).rejects.toMatchObject({ code: expect.stringMatching(/CONFLICT|NOT_FOUND/) });
            continue;
          }
          const { key, apiKey } = await guard.keys.rotate(old.id, { overlapMs: each.overlapMs });
          old.endsAt = Math.min(old.endsAt, clock.now() + each.overlapMs);
          old.isRotated = true;
          if (old.replaces !== undefined) old.replaces.endsAt = Math.min(old.replaces.endsAt, clock.now());
          enrol({ key, id: apiKey.id }, old.agent, old.lifeMs, old);
        } else if (each.do === 'revoke') {
          const key = model[each.key % Math.max(1, model.length)];
          if (key === undefined) continue;
          const told = await guard.keys.revoke(key.id);
          if (isAlive(key)) expect(told).toBe(true);
          key.endsAt = Math.min(key.endsAt, clock.now());
        } else if (each.do === 'remove') {
          const agent = `agent-${each.agent}`;
          if ((await guard.agents.get(agent)) === undefined) continue;
          await guard.agents.remove(agent);
          for (const key of model) if (key.agent === agent) key.endsAt = Math.min(key.endsAt, clock.now());
        } else if (each.do === 'wait') clock.advance(each.ms);
        else if (each.do === 'restart') guard = world({ store, clock, ...pepper }).guard;
        else await checkAll();
      }
      await checkAll();
      const shown = (await guard.keys.list()).filter(({ state }) => state === 'active').map(({ id }) => id);
      const alive = model.filter(isAlive).map(({ id }) => id);
      expect(shown.toSorted()).toEqual(alive.toSorted());
    }),
    { numRuns: 300 },
  );
});
