import { createBlackboard, createKeyValueStrongStore, type Entry, type QuorumStore } from '@meshwork/blackboard';
import { ConflictError, createMemoryStore, type KeyValueStore, MeshworkError, type Store, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
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

    it(`gives a key one level, whoever chooses, on ${name} while the server is killed`, { timeout: 300_000 }, async () => {
      const engine = await start();
      const names = ['one', 'two', 'three'];
      const backs = await Promise.all(names.map(() => open(engine.url)));
      const openHub = (hub: string, at: number) =>
        createBlackboard({
          name: hub,
          place: hub,
          store: createMemoryStore(),
          boards: { plans: { level: 'chosen' } },
          strong: (board) => createKeyValueStrongStore({ name: hub, board, store: backs[at] as Store, confirmReads: name === 'nats' }),
          allowVolatile: true,
        });
      const hubs = await Promise.all(names.map(openHub));
      const told = new Map<string, Set<string>>();
      const note = (key: string, level: unknown) => void told.set(key, (told.get(key) ?? new Set()).add(String(level)));
      let isOver = false;
      const work = async (at: number): Promise<void> => {
        const board = hubs[at]?.board('plans');
        for (let turn = 0; !isOver; turn++) {
          const key = `key/${turn}`;
          const level = (['eventual', 'strong'] as const)[(turn + at) % 2];
          try {
            note(key, (await board?.set(key, at, { timeoutMs: 10_000, ...(level !== undefined && { level }) }))?.level);
          } catch (error) {
            if (!MeshworkError.isInstance(error)) throw error;
            if (error instanceof ConflictError) note(key, error.details?.level);
            else expect(['UNAVAILABLE', 'UNKNOWN_OUTCOME']).toContain(error.code);
          }
        }
      };
      const working = Promise.all(names.map((_, at) => work(at)));
      try {
        for (let round = 0; round < 4; round++) {
          await Promise.race([working, new Promise((resolve) => setTimeout(resolve, 400))]);
          await engine.kill();
          await new Promise((resolve) => setTimeout(resolve, 50));
          await engine.restart();
        }
      } finally {
        isOver = true;
      }
      await working;
      expect([...told].filter(([, levels]) => levels.size > 1)).toEqual([]);
      const chosen = new Set([...told.values()].flatMap((levels) => [...levels]));
      expect([...chosen].toSorted()).toEqual(['eventual', 'strong']);
      expect(told.size).toBeGreaterThan(20);
      const strong = await Promise.all(hubs.map((hub) => hub.board('plans').list('', { timeoutMs: 20_000 })));
      const strongKeys = (entries: readonly Entry[]) => entries.filter(({ level }) => level === 'strong').map(({ key }) => key);
      expect(new Set(strong.map((entries) => strongKeys(entries).join())).size).toBe(1);
      for (const entries of strong) for (const { key, level } of entries) expect([...(told.get(key) ?? [level])]).toEqual([level]);
      await Promise.all(hubs.map((hub) => hub.close()));
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
