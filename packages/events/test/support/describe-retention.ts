import type { Store } from '@meshwork/core';
import { createEvents } from '@meshwork/events';
import { collect } from '@meshwork/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { ana, createWorld, type OpenStore, root, until } from './world.ts';

const offsets = (deliveries: readonly { offset: number }[]) => deliveries.map(({ offset }) => offset);
const overtaken = { filter: { types: ['meshwork.subscription.overtaken'] } };

/** What is promised of a log that is trimmed, whatever it is kept in. */
export function describeRetention(name: string, openStore: OpenStore): void {
  describe(`retention on ${name}`, () => {
    const opened: Store[] = [];
    const open: OpenStore = async (clock) => {
      const store = await openStore(clock);
      opened.push(store);
      return store;
    };
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
    });

    it('keeps so many of the newest events, and offsets go on', async () => {
      const { events, publish } = await createWorld({ open, retention: { maxEvents: 3 } });
      await publish(2);
      expect(await events.upkeep()).toEqual({ dropped: 0, keptFrom: 1 });
      await publish(5);
      expect(await events.upkeep()).toEqual({ dropped: 4, keptFrom: 5 });
      expect(await events.upkeep()).toEqual({ dropped: 0, keptFrom: 5 });
      await publish(1);
      expect(offsets((await events.query(ana, { order: 'oldest' })).events)).toEqual([5, 6, 7, 8]);
    });

    it('drops what is too old, all of it if need be', async () => {
      const { clock, events, publish } = await createWorld({ open, retention: { maxAgeMs: 1_000 } });
      await publish(2);
      clock.advance(600);
      await publish(2);
      clock.advance(600);
      expect(await events.upkeep()).toEqual({ dropped: 2, keptFrom: 3 });
      clock.advance(1_000);
      expect(await events.upkeep()).toEqual({ dropped: 2, keptFrom: 5 });
      await publish(1);
      expect(offsets((await events.query(ana)).events)).toEqual([5]);
    });

    it('tells each subscription once what it lost, and lets it go on with what is kept', async () => {
      const { events, store, clock, publish, take } = await createWorld({ open, retention: { maxEvents: 4 } });
      const other = createEvents({ journal: store, store, clock, retention: { maxEvents: 4 } });
      await events.subscriptions.save(ana, { name: 'behind', filter: { types: ['wanted'] } });
      await events.subscriptions.save(ana, { name: 'pending', order: 'none' });
      await events.subscriptions.save(ana, { name: 'ahead' });
      await events.subscriptions.save(root, { name: 'unconcerned', filter: { types: ['rare'] } });
      for (let n = 0; n < 5; n++) {
        await publish(1, { type: 'wanted' });
        await publish(1, { type: 'other' });
      }
      expect(offsets(await take('pending', 7))).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(await events.subscriptions.settle(ana, 'pending', { acknowledged: [2] })).toBe(1);
      await events.subscriptions.settle(ana, 'ahead', { acknowledged: offsets(await take('ahead')) });
      const trimmed = await Promise.all([events.upkeep(), other.upkeep()]);
      expect(Math.max(...trimmed.map(({ keptFrom }) => keptFrom))).toBeGreaterThanOrEqual(7);
      const told = (await events.query(root, overtaken)).events.map(({ event }) => event.data as { subscription: string; lost: number });
      // Two hubs may each have found a part of it; nothing is told twice.
      const lost = (which: string) => told.filter(({ subscription }) => subscription === which).reduce((sum, each) => sum + each.lost, 0);
      const { progress } = await events.subscriptions.get(ana, 'behind');
      expect(progress).toMatchObject({ lost: lost('behind'), lostAt: clock.now() });
      expect(lost('behind')).toBeGreaterThanOrEqual(3);
      expect(lost('pending')).toBeGreaterThanOrEqual(5);
      expect([lost('ahead'), lost('unconcerned')]).toEqual([0, 0]);
      // Its owner hears of it as of any event.
      expect((await events.query(ana, overtaken)).events).toHaveLength(told.length);
      expect(await events.subscriptions.settle(ana, 'pending', { acknowledged: [1, 3] })).toBe(0);
      const kept = Math.max(...trimmed.map(({ keptFrom }) => keptFrom));
      expect(offsets(await take('behind'))).toEqual([7, 9].filter((offset) => offset >= kept));
      await other.close();
    });

    it('drops old dead letters, and replays those it keeps though their events are gone', async () => {
      const { clock, events, publish, take } = await createWorld({ open, retention: { maxAgeMs: 10_000 } });
      await events.subscriptions.save(ana, { name: 'mine', ackWaitMs: 1_000, maxDeliveries: 1 });
      const bury = async () => {
        await publish(1);
        await take('mine');
        clock.advance(9_000);
        await take('mine');
      };
      await bury();
      clock.advance(2_000);
      expect(await events.upkeep()).toEqual({ dropped: 1, keptFrom: 2 });
      expect(offsets((await events.deadLetters(ana, 'mine')).events)).toEqual([1]);
      expect(await events.subscriptions.replayDead(ana, 'mine')).toEqual({ replayed: 1, left: 0 });
      expect(await take('mine')).toMatchObject([{ offset: 1, event: { data: { n: 0 } } }]);
      clock.advance(8_100);
      await events.upkeep();
      expect((await events.deadLetters(ana, 'mine')).events).toEqual([]);
      expect(await events.subscriptions.replayDead(ana, 'mine')).toEqual({ replayed: 0, left: 0 });
    });

    it('takes the dead letters away with their subscription', async () => {
      const { clock, events, store, publish, take } = await createWorld({ open });
      await events.subscriptions.save(ana, { name: 'mine', ackWaitMs: 1_000, maxDeliveries: 1 });
      await publish(1);
      await take('mine');
      clock.advance(1_000);
      await take('mine');
      const [stream = ''] = await collect(store.streams('events/dead/'));
      expect(await collect(store.read(stream))).toHaveLength(1);
      await events.subscriptions.remove(ana, 'mine');
      expect(await collect(store.read(stream))).toEqual([]);
    });

    it('is looked after by the hub itself', async () => {
      const { events, publish } = await createWorld({ open, retention: { maxEvents: 2, everyMs: 5 } });
      await publish(3);
      await events.start();
      const oldest = async () => (await events.query(ana, { order: 'oldest', limit: 1 })).events[0]?.offset;
      await until(async () => (await oldest()) === 2);
      await publish(2);
      await until(async () => (await oldest()) === 4);
      await events.close();
    });
  });
}
