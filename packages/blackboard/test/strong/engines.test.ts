import { createKeyValueStrongStore, type QuorumStore } from '@meshwork/blackboard';
import { type KeyValueStore, type Store, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { openNats } from '@meshwork/store-nats';
import { openPostgres } from '@meshwork/store-postgres';
import { describeWithOwnEngine, type EngineName } from '@meshwork/test-engines';
import { expect, it } from 'vitest';
import { enduring, openHall } from './hall.ts';
import { workThroughKills } from './work-through-kills.ts';

const openers: Readonly<Partial<Record<EngineName, (url: string) => Promise<Store>>>> = {
  postgres: (url) => openPostgres({ url }),
  // One server loses nothing when its process is killed, and says that it may because its machine could lose power: that is not what is tried here.
  nats: async (url) => enduring(await openNats({ url, timeoutMs: 2_000 })),
};

for (const [name, open] of Object.entries(openers) as [EngineName, (url: string) => Promise<Store>][])
  describeWithOwnEngine(name, (start) => {
    it(`is linearizable on ${name}, compare-and-set too, while the server is killed`, { timeout: 300_000 }, async () => {
      const engine = await start();
      const backs = [await open(engine.url), await open(engine.url)];
      const stores = backs.map((store, index) => createKeyValueStrongStore({ name: `hub ${index}`, board: 'plans', store }));
      const { done } = await workThroughKills(stores, engine, { rounds: 8, perRound: 60, hasCompareAndSet: true });
      expect(done).toBeGreaterThan(400);
      await Promise.all(backs.map((store) => store.close()));
    });

    it(`is linearizable by quorum while its members change on ${name}, and the server is killed`, { timeout: 300_000 }, async () => {
      const engine = await start();
      const records = new Map<string, KeyValueStore>();
      const names = ['one', 'two', 'three', 'four'];
      const hall = await openHall([], { members: names.slice(0, 3) });
      for (const hub of names) {
        const record = await open(engine.url);
        records.set(hub, record);
        await hall.start(hub, { epochs: record });
      }
      const hubs: readonly QuorumStore[] = names.map((hub) => hall.hub(hub));
      const change = async (isOver: () => boolean) => {
        for (let turn = 0; !isOver(); turn++) {
          const members = names.filter((_, index) => index !== turn % names.length);
          await hubs[turn % hubs.length]?.changeMembers(members, { signal: AbortSignal.timeout(20_000) }).catch((error: unknown) => {
            if (!(error instanceof UnavailableError || error instanceof UnknownOutcomeError)) throw error;
          });
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      };
      const { done } = await workThroughKills(hubs, engine, { rounds: 6, perRound: 200, hasCompareAndSet: false, meanwhile: change });
      expect(done).toBeGreaterThan(1_000);
      expect(Math.max(...hubs.map(({ status }) => status.epoch?.number ?? 0)), 'members hardly ever changed').toBeGreaterThan(2);
      await hall.close();
      await Promise.all([...records.values()].map((record) => record.close()));
    });
  });
