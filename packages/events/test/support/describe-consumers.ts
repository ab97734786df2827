import type { Store } from '@meshwork/core';
import { createEvents } from '@meshwork/events';
import { afterEach, describe, expect, it } from 'vitest';
import { ana, createWorld, type OpenStore, until } from './world.ts';

/** What is promised of consumers in the hub and of whoever listens, whatever the events are kept in. */
export function describeConsumers(name: string, openStore: OpenStore): void {
  const opened: Store[] = [];
  const open: OpenStore = async (clock) => {
    const store = await openStore(clock);
    opened.push(store);
    return store;
  };
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  describe(`a consumer in the hub on ${name}`, () => {
    it('gets every event in order, and those that fail again, before later ones of their source', async () => {
      const store = await open();
      const errors: unknown[] = [];
      const events = createEvents({ journal: store, store, onError: (error) => errors.push(error) });
      const handled: number[] = [];
      let isBroken = true;
      const end = await events.consume({ principal: ana, name: 'worker', ackWaitMs: 20 }, ({ event }) => {
        const { n } = event.data as { n: number };
        if (n === 3 && isBroken) {
          isBroken = false;
          throw new Error('not now');
        }
        handled.push(n);
      });
      for (let n = 0; n < 20; n++) await events.publish({ type: 'test', visibility: 'public', data: { n } });
      await until(() => handled.length === 20);
      expect(handled).toEqual(Array.from({ length: 20 }, (_, n) => n));
      expect(errors).toHaveLength(1);
      await end();
      await events.publish({ type: 'test', visibility: 'public', data: { n: 20 } });
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(handled).toHaveLength(20);
      const again = await events.consume({ principal: ana, name: 'worker' }, ({ event }) => void handled.push((event.data as { n: number }).n));
      await until(() => handled.length === 21);
      await again();
      await events.close();
    });

    it('hears of what another hub on the same journal publishes', async () => {
      const store = await open();
      const [one, two] = [createEvents({ journal: store, store }), createEvents({ journal: store, store })];
      const handled: string[] = [];
      await one.consume({ principal: ana, name: 'worker' }, ({ event }) => void handled.push(event.type));
      await two.publish({ type: 'from.two', visibility: 'public' });
      await until(() => handled.length === 1);
      await one.close();
      await two.close();
    });

    it('waits for nobody who is slow or gone, and makes nobody wait', async () => {
      const store = await open();
      const events = createEvents({ journal: store, store });
      const stuck = Promise.withResolvers<void>();
      let [slow, fast] = [0, 0];
      await events.consume({ principal: ana, name: 'stuck' }, async () => {
        slow += 1;
        await stuck.promise;
      });
      await events.consume({ principal: ana, name: 'fast' }, () => {
        fast += 1;
      });
      // Live ones: one that never asks for a second event, one that never asks at all.
      const idle = events.listen()[Symbol.asyncIterator]();
      const first = idle.next();
      events.listen()[Symbol.asyncIterator]();
      for (let n = 0; n < 600; n++) await events.publish({ type: 'test', visibility: 'public', data: { n } });
      await until(() => fast === 600);
      expect(slow).toBe(1);
      expect((await first).value).toMatchObject({ offset: 1 });
      // Whoever was slow has lost nothing, and nothing was kept for it: it reads on in the log.
      let count = 1;
      while (count < 600) {
        expect((await idle.next()).value.offset).toBe(count + 1);
        count += 1;
      }
      stuck.resolve();
      await until(() => slow === 600);
      await events.close();
    });

    it('may be ended while nothing comes', async () => {
      const { events } = await createWorld({ open });
      const end = await events.consume({ principal: ana, name: 'worker' }, () => {});
      await end();
      await events.close();
    });
  });

  describe(`listening on ${name}`, () => {
    it('begins now, at an offset or at a time, and ends with its signal', async () => {
      const { events, clock, publish } = await createWorld({ open });
      await publish(2);
      clock.advance(1_000);
      await publish(2);
      const heard = async (options: Parameters<typeof events.listen>[0], count: number) => {
        const stop = new AbortController();
        const found: number[] = [];
        for await (const { offset } of events.listen({ ...options, signal: stop.signal })) if (found.push(offset) === count) stop.abort();
        return found;
      };
      expect(await heard({ fromOffset: 2 }, 3)).toEqual([2, 3, 4]);
      expect(await heard({ fromTime: clock.now() }, 2)).toEqual([3, 4]);
      const live = heard({ filter: { types: ['wanted'] }, viewer: ana }, 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      await publish(1);
      await publish(1, { type: 'wanted', visibility: 'hidden' });
      await publish(1, { type: 'wanted' });
      expect(await live).toEqual([7]);
    });
  });
}
