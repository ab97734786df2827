import { createMemoryStore } from '@meshwork/core';
import { createEvents } from '@meshwork/events';
import { describe, expect, it } from 'vitest';
import { ana, createWorld, until } from './world.ts';

describe('a consumer in the hub', () => {
  it('gets every event in order, and those that fail again, before later ones of their source', async () => {
    const store = createMemoryStore();
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
    const store = createMemoryStore();
    const [one, two] = [createEvents({ journal: store, store }), createEvents({ journal: store, store })];
    const handled: string[] = [];
    await one.consume({ principal: ana, name: 'worker' }, ({ event }) => void handled.push(event.type));
    await two.publish({ type: 'from.two', visibility: 'public' });
    await until(() => handled.length === 1, 2_000);
    await one.close();
    await two.close();
  });

  it('waits for nobody who is slow or gone, and makes nobody wait', async () => {
    const store = createMemoryStore();
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
    const started = performance.now();
    for (let n = 0; n < 2_000; n++) await events.publish({ type: 'test', visibility: 'public', data: { n } });
    const publishMs = performance.now() - started;
    await until(() => fast === 2_000);
    expect(slow).toBe(1);
    expect(publishMs).toBeLessThan(5_000);
    expect((await first).value).toMatchObject({ offset: 1 });
    // Whoever was slow has lost nothing, and nothing was kept for it: it reads on in the log.
    let count = 1;
    while (count < 2_000) {
      expect((await idle.next()).value.offset).toBe(count + 1);
      count += 1;
    }
    stuck.resolve();
    await until(() => slow === 2_000);
    await events.close();
  });

  it('may be ended while nothing comes', async () => {
    const { events } = createWorld();
    const end = await events.consume({ principal: ana, name: 'worker' }, () => {});
    await end();
    await events.close();
  });
});

describe('listening', () => {
  it('begins now, at an offset or at a time, and ends with its signal', async () => {
    const { events, clock, publish } = createWorld();
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
