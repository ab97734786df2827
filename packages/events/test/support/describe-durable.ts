import type { Store } from '@meshwork/core';
import { createEvents } from '@meshwork/events';
import { afterEach, describe, expect, it } from 'vitest';
import { ana, bo, createWorld, nobody, type OpenStore, root } from './world.ts';

const offsets = (deliveries: readonly { offset: number }[]) => deliveries.map(({ offset }) => offset);

/** What is promised of durable subscriptions and of looking for events, whatever they are kept in. */
export function describeDurable(name: string, openStore: OpenStore): void {
  const opened: Store[] = [];
  const open: OpenStore = async (clock) => {
    const store = await openStore(clock);
    opened.push(store);
    return store;
  };
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  describe(`a durable subscription on ${name}`, () => {
    it('begins with what comes, and hands out each event once while it is acknowledged in time', async () => {
      const { events, publish, take } = await createWorld({ open });
      await publish(2);
      await events.subscriptions.save(ana, { name: 'mine', order: 'none' });
      await publish(3);
      expect(offsets(await take('mine', 2))).toEqual([3, 4]);
      expect(offsets(await take('mine'))).toEqual([5]);
      expect(await take('mine')).toEqual([]);
      expect(await events.subscriptions.settle(ana, 'mine', { acknowledged: [3, 4, 5, 99] })).toBe(3);
      expect(await events.subscriptions.settle(ana, 'mine', { acknowledged: [3] })).toBe(0);
      expect((await events.subscriptions.get(ana, 'mine')).progress).toMatchObject({ next: 6, pending: [] });
    });

    it('hands out again what is not acknowledged, later each time, and buries it in the end', async () => {
      const { clock, events, publish, take } = await createWorld({ open });
      await events.subscriptions.save(ana, { name: 'mine', ackWaitMs: 1_000, maxDeliveries: 3 });
      await publish(1);
      for (const [delivery, waitMs] of [
        [1, 1_000],
        [2, 2_000],
        [3, 4_000],
      ] as const) {
        expect(await take('mine')).toMatchObject([{ offset: 1, delivery }]);
        clock.advance(waitMs - 1);
        expect(await take('mine')).toEqual([]);
        clock.advance(1);
      }
      expect(await take('mine')).toEqual([]);
      expect((await events.deadLetters(ana, 'mine')).events).toMatchObject([{ offset: 1, event: { data: { n: 0 } } }]);
      clock.advance(86_400_000);
      expect(await take('mine')).toEqual([]);
      expect(await events.subscriptions.replayDead(ana, 'mine')).toEqual({ replayed: 1, left: 0 });
      expect(await take('mine')).toMatchObject([{ offset: 1, delivery: 1 }]);
      await events.subscriptions.settle(ana, 'mine', { acknowledged: [1] });
      expect(await events.subscriptions.replayDead(ana, 'mine')).toEqual({ replayed: 0, left: 0 });
      await expect(events.deadLetters(bo, 'mine')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    it('keeps the order of each source, and lets other sources pass', async () => {
      const { clock, events, publish, take } = await createWorld({ open });
      await events.subscriptions.save(ana, { name: 'mine', ackWaitMs: 1_000 });
      for (const source of ['urn:a', 'urn:b', 'urn:a', 'urn:b']) await publish(1, { source });
      expect(offsets(await take('mine', 1))).toEqual([1]);
      expect(offsets(await take('mine'))).toEqual([2, 4]);
      expect(await take('mine')).toEqual([]);
      clock.advance(1_000);
      expect(offsets(await take('mine'))).toEqual([1, 2, 3, 4]);
      await events.subscriptions.settle(ana, 'mine', { acknowledged: [1, 3], released: [{ offset: 2, delayMs: 500 }] });
      expect(await take('mine')).toEqual([]);
      clock.advance(500);
      expect(offsets(await take('mine'))).toEqual([2]);
    });

    it('hands out no more at once than it may, and goes on when there is room', async () => {
      const { events, publish, take } = await createWorld({ open });
      await events.subscriptions.save(ana, { name: 'mine', order: 'none', maxInFlight: 3 });
      await publish(5);
      expect(offsets(await take('mine'))).toEqual([1, 2, 3]);
      expect(await take('mine')).toEqual([]);
      await events.subscriptions.settle(ana, 'mine', { acknowledged: [2] });
      expect(offsets(await take('mine'))).toEqual([4]);
    });

    it('gives two that take at once different events', async () => {
      const { clock, events, store, publish } = await createWorld({ open });
      const other = createEvents({ journal: store, store, clock });
      await events.subscriptions.save(ana, { name: 'mine', order: 'none' });
      await publish(40);
      const taken = await Promise.all([1, 2, 3, 4].flatMap(() => [events, other].map((each) => each.subscriptions.take(ana, 'mine', 5))));
      const all = taken.flatMap(({ deliveries }) => offsets(deliveries)).sort((a, b) => a - b);
      expect(all).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
    });

    it('goes on where it was on another hub over the same store', async () => {
      const { events, store, clock, publish } = await createWorld({ open });
      await events.subscriptions.save(ana, { name: 'mine' });
      await publish(3);
      await events.subscriptions.take(ana, 'mine', 1);
      await events.subscriptions.settle(ana, 'mine', { acknowledged: [1] });
      const next = createEvents({ journal: store, store, clock });
      expect(offsets((await next.subscriptions.take(ana, 'mine', 9)).deliveries)).toEqual([2, 3]);
    });

    it('begins at an offset or a time, and again wherever it is told to', async () => {
      const { clock, events, publish, take } = await createWorld({ open });
      for (let hour = 0; hour < 5; hour++) {
        await publish(1);
        clock.advance(3_600_000);
      }
      const start = clock.now();
      await events.subscriptions.save(ana, { name: 'offset', fromOffset: 4 });
      expect(offsets(await take('offset'))).toEqual([4, 5]);
      await events.subscriptions.save(ana, { name: 'time', fromTime: start - 3 * 3_600_000 });
      expect(offsets(await take('time'))).toEqual([3, 4, 5]);
      await events.subscriptions.replay(ana, 'time', { fromOffset: 2 });
      expect(offsets(await take('time'))).toEqual([2, 3, 4, 5]);
      await expect(events.subscriptions.save(ana, { name: 'time', fromOffset: 1 })).rejects.toThrow('changed by a replay');
    });

    it('shows its owner only what it may see', async () => {
      const { events, take } = await createWorld({ open });
      await events.subscriptions.save(ana, { name: 'mine' });
      await events.subscriptions.save(root, { name: 'mine' });
      const visible = { owner: 'ana' };
      for (const more of [visible, { owner: 'bo' }, { subject: 'ana' }, { visibility: 'public' }, {}]) await events.publish({ type: 'a', ...more });
      expect(offsets(await take('mine'))).toEqual([1, 3, 4]);
      expect(offsets((await events.subscriptions.take(root, 'mine', 9)).deliveries)).toEqual([1, 2, 3, 4, 5]);
      await expect(events.subscriptions.take(bo, 'mine', 9)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(events.subscriptions.save(nobody, { name: 'mine' })).rejects.toMatchObject({ code: 'DENIED' });
      expect((await events.query(nobody)).events).toEqual([]);
    });

    it('changes its filter and its rules without losing its place; another one of its name begins anew', async () => {
      const { events, publish, take } = await createWorld({ open });
      await events.subscriptions.save(ana, { name: 'mine', filter: { types: ['other.*'] } });
      await publish(2);
      expect(await take('mine')).toEqual([]);
      const { subscription } = await events.subscriptions.save(ana, { name: 'mine', filter: { types: ['test.*'] }, maxDeliveries: 9 });
      expect(subscription).toMatchObject({ maxDeliveries: 9, ackWaitMs: 30_000 });
      await publish(1);
      expect(offsets(await take('mine'))).toEqual([3]);
      expect(await events.subscriptions.remove(ana, 'mine')).toBe(true);
      expect(await events.subscriptions.remove(ana, 'mine')).toBe(false);
      await events.subscriptions.save(ana, { name: 'mine' });
      expect(await take('mine')).toEqual([]);
    });

    it('is one of so many at most, and has rules that make sense', async () => {
      const { events } = await createWorld({ open, maxSubscriptions: 2 });
      for (const name of ['a', 'b']) await events.subscriptions.save(ana, { name });
      await expect(events.subscriptions.save(ana, { name: 'c' })).rejects.toMatchObject({ code: 'LIMITED' });
      await expect(events.subscriptions.save(bo, { name: 'c', maxInFlight: 0 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await expect(events.subscriptions.save(bo, { name: 'a/b' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await expect(events.subscriptions.save(bo, { name: 'c', filter: { types: ['a*b'] } })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      expect(await events.subscriptions.list(bo)).toEqual([]);
    });

    it('does not hand out again what its owner may no longer see, and keeps nothing of what it never could', async () => {
      let isOpen = true;
      const { clock, events, publish, take } = await createWorld({ open, canSee: (_viewer, { visibility }) => visibility === 'public' && isOpen });
      await events.subscriptions.save(ana, { name: 'mine', ackWaitMs: 1_000 });
      await publish(2);
      await publish(2, { visibility: 'hidden' });
      expect(offsets(await take('mine', 2))).toEqual([1, 2]);
      expect((await events.subscriptions.get(ana, 'mine')).progress.pending).toHaveLength(2);
      isOpen = false;
      clock.advance(1_000);
      expect(await take('mine')).toEqual([]);
      expect((await events.subscriptions.get(ana, 'mine')).progress.pending).toEqual([]);
    });

    it('hands out so much at once that an answer stays small', async () => {
      const { events, take } = await createWorld({ open });
      await events.subscriptions.save(ana, { name: 'mine' });
      for (let n = 0; n < 30; n++) await events.publish({ type: 'large', owner: 'ana', data: 'x'.repeat(60_000) });
      expect(await take('mine')).toHaveLength(17);
      await events.subscriptions.settle(ana, 'mine', { acknowledged: Array.from({ length: 17 }, (_, at) => at + 1) });
      expect(offsets(await take('mine'))).toEqual(Array.from({ length: 13 }, (_, at) => at + 18));
      const page = await events.query(ana);
      expect([page.events.length, page.next]).toEqual([17, 13]);
    });

    it('is seen and removed by admins too, and by nobody else', async () => {
      const { events } = await createWorld({ open });
      await events.subscriptions.save(ana, { name: 'mine' });
      await expect(events.subscriptions.list(bo, 'agent:ana')).rejects.toMatchObject({ code: 'DENIED' });
      await expect(events.subscriptions.remove(bo, 'mine', 'agent:ana')).rejects.toMatchObject({ code: 'DENIED' });
      expect(await events.subscriptions.list(root, 'agent:ana')).toHaveLength(1);
      expect(await events.subscriptions.remove(root, 'mine', 'agent:ana')).toBe(true);
    });

    it('finds the one event that fits among thousands, in one call, and remembers how far it has looked', async () => {
      const { events, take } = await createWorld({ open });
      await events.subscriptions.save(ana, { name: 'mine', filter: { types: ['rare'] } });
      for (let n = 0; n < 5; n++) await events.publishAll(Array.from({ length: 1_000 }, () => ({ type: 'common', visibility: 'public' })));
      await events.publish({ type: 'rare', visibility: 'public' });
      expect(offsets(await take('mine'))).toEqual([5_001]);
      expect((await events.subscriptions.get(ana, 'mine')).progress.next).toBe(5_002);
    });

    it('passes over events that were trimmed', async () => {
      const { events, store, publish, take, clock } = await createWorld({ open });
      await events.subscriptions.save(ana, { name: 'mine', fromOffset: 1, order: 'none', ackWaitMs: 1_000 });
      await publish(5);
      expect(offsets(await take('mine', 2))).toEqual([1, 2]);
      await store.trim('events/log', 4);
      clock.advance(1_000);
      expect(offsets(await take('mine'))).toEqual([4, 5]);
      expect((await events.query(root)).events.map(({ offset }) => offset)).toEqual([5, 4]);
    });
  });

  describe(`looking for events on ${name}`, () => {
    it('pages both ways between two times, and reads the log in part only', async () => {
      const { clock, events, publish, store } = await createWorld({ open });
      for (let hour = 0; hour < 300; hour++) {
        await publish(1, { type: hour % 2 === 0 ? 'even' : 'odd' });
        clock.advance(1_000);
      }
      const start = clock.now() - 300_000;
      const query = { since: start + 100_000, until: start + 110_000, filter: { types: ['even'] }, limit: 3 };
      let read = 0;
      const counted = createEvents({
        store,
        journal: {
          ...store,
          async *read(...args: Parameters<typeof store.read>) {
            for await (const record of store.read(...args)) {
              read += 1;
              yield record;
            }
          },
        },
      });
      for (const order of ['newest', 'oldest'] as const) {
        read = 0;
        const first = await counted.query(ana, { ...query, order });
        const second = await counted.query(ana, { ...query, order, from: first.next! });
        const found = [...first.events, ...second.events].map(({ offset }) => offset);
        expect(found).toEqual(order === 'oldest' ? [101, 103, 105, 107, 109] : [109, 107, 105, 103, 101]);
        expect(second.next).toBeUndefined();
        // Two pages of at most 200 to go backwards, and some twenty reads to find each time, twice.
        expect(read).toBeLessThan(order === 'oldest' ? 80 : 480);
      }
      expect(await events.query(ana, { since: clock.now() })).toEqual({ events: [] });
    });
  });
}
