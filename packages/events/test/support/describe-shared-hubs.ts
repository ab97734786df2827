import type { Store } from '@meshwork/core';
import { createEvents, type Events, type EventsOptions } from '@meshwork/events';
import { afterEach, describe, expect, it } from 'vitest';
import { openStore, type StorePlace } from './open-store.ts';
import { startReceiver } from './receiver.ts';
import { runChild } from './run-child.ts';
import { ana, root, until } from './world.ts';

interface Said {
  readonly what: 'open' | 'published';
  readonly n: number;
}

/** What is promised where several hubs have one store. */
export function describeSharedHubs(name: string, next: () => StorePlace): void {
  describe(`several hubs on one store on ${name}`, () => {
    const closers: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const close of closers.splice(0).toReversed()) await close();
    });
    const openHub = async (place: StorePlace, options: Partial<EventsOptions> = {}): Promise<{ events: Events; store: Store }> => {
      const store = await openStore(place);
      const events = createEvents({ journal: store, store, ...options });
      closers.push(async () => {
        await events.close();
        await store.close();
      });
      return { events, store };
    };
    const openHubs = (place: StorePlace, count: number) => Promise.all(Array.from({ length: count }, () => openHub(place)));

    it('hear of what any of them publishes', async () => {
      const hubs = await openHubs(next(), 3);
      const heard = hubs.map(({ events }) => {
        const found: unknown[] = [];
        void (async () => {
          for await (const { event } of events.listen({ fromOffset: 1 })) found.push(event.data);
        })();
        return found;
      });
      for (const [at, { events }] of hubs.entries()) {
        await events.publish({ type: 'test', data: at });
        await until(() => heard.every((found) => found.includes(at)));
      }
      expect(heard).toEqual([
        [0, 1, 2],
        [0, 1, 2],
        [0, 1, 2],
      ]);
    });

    it('share the events of one subscription: each is handled once, in the order of its source', { timeout: 90_000 }, async () => {
      const hubs = await openHubs(next(), 3);
      const handled: { hub: number; source: string; n: number }[] = [];
      const busy = new Set<number>();
      const two = Promise.withResolvers<void>();
      await Promise.all(
        hubs.map(({ events }, hub) =>
          events.consume({ principal: ana, name: 'shared', fromOffset: 1, maxInFlight: 256 }, async ({ event }) => {
            // Nobody goes on until two have something: all hubs do work.
            if (busy.add(hub).size >= 2) two.resolve();
            await two.promise;
            handled.push({ hub, source: event.source, n: (event.data as { n: number }).n });
          }),
        ),
      );
      const sources = Array.from({ length: 80 }, (_, at) => `urn:${at}`);
      await Promise.all(
        hubs.map(async ({ events }, hub) => {
          for (let n = 0; n < 3; n++)
            await events.publishAll(sources.filter((_, at) => at % 3 === hub).map((source) => ({ type: 'test', source, visibility: 'public', data: { n } })));
        }),
      );
      const [first] = hubs;
      await until(async () => {
        const { progress } = (await first?.events.subscriptions.get(ana, 'shared')) ?? {};
        return progress?.pending.length === 0 && progress.next === 241;
      }, 60_000);
      expect(handled).toHaveLength(240);
      for (const source of sources) expect(handled.filter((each) => each.source === source).map(({ n }) => n)).toEqual([0, 1, 2]);
      expect(busy.size).toBeGreaterThan(1);
    });

    it('take over at once what a consumer gives back when it ends', async () => {
      const [one, two] = (await openHubs(next(), 2)) as [Awaited<ReturnType<typeof openHub>>, Awaited<ReturnType<typeof openHub>>];
      const handled: string[] = [];
      const stuck = Promise.withResolvers<void>();
      for (let n = 1; n <= 3; n++) await one.events.publish({ type: 'test', visibility: 'public', data: n });
      const request = { principal: ana, name: 'shared', fromOffset: 1, ackWaitMs: 3_600_000 };
      const end = await one.events.consume(request, async ({ event }) => {
        handled.push(`one ${event.data}`);
        await stuck.promise;
      });
      await until(() => handled.length === 1);
      await two.events.consume(request, ({ event }) => void handled.push(`two ${event.data}`));
      const ended = end();
      stuck.resolve();
      await ended;
      await until(() => handled.length === 3);
      expect(handled).toEqual(['one 1', 'two 2', 'two 3']);
    });

    it('replay to a consumer, wherever it is', async () => {
      const [one, two] = (await openHubs(next(), 2)) as [Awaited<ReturnType<typeof openHub>>, Awaited<ReturnType<typeof openHub>>];
      const handled: unknown[] = [];
      await one.events.consume({ principal: ana, name: 'shared' }, ({ event }) => void handled.push(event.data));
      await two.events.publish({ type: 'test', visibility: 'public', data: 1 });
      const isQuiet = async () => (await two.events.subscriptions.get(ana, 'shared')).progress.pending.length === 0;
      await until(async () => handled.length === 1 && (await isQuiet()));
      await two.events.subscriptions.replay(ana, 'shared', { fromOffset: 1 });
      await until(() => handled.length === 2);
      // A filter that is changed on one holds on the other.
      await two.events.subscriptions.save(ana, { name: 'shared', filter: { types: ['other'] } });
      await two.events.publish({ type: 'other', visibility: 'public', data: 2 });
      await until(() => handled.includes(2));
    });

    it('send to a webhook one at a time, each event once', { timeout: 90_000 }, async () => {
      const receiver = await startReceiver();
      closers.push(receiver.close);
      const place = next();
      const active: number[] = [];
      const overlaps: string[] = [];
      const sentBy = new Set<number>();
      const sendFrom =
        (hub: number): typeof fetch =>
        async (url, request) => {
          sentBy.add(hub);
          for (const other of active) if (other !== hub) overlaps.push(`${hub} beside ${other}`);
          active.push(hub);
          try {
            return await fetch(url, request);
          } finally {
            active.splice(active.indexOf(hub), 1);
          }
        };
      // Longer than any machine stands still: a lease that ends is another test.
      const hubs = await Promise.all([0, 1, 2].map((hub) => openHub(place, { webhooks: { fetch: sendFrom(hub) as never, leaseMs: 120_000 } })));
      for (const { events } of hubs) await events.start();
      await hubs[0]?.events.subscriptions.save(root, { name: 'hook', webhookUrl: receiver.url });
      const ids = () => receiver.received.map(({ headers }) => headers['webhook-id']);
      await Promise.all(hubs.map(async ({ events }) => Promise.all(Array.from({ length: 40 }, (_, n) => events.publish({ type: 'test', data: { n } })))));
      await until(async () => new Set(ids()).size === 120 && (await hubs[1]?.events.subscriptions.get(root, 'hook'))?.progress.pending.length === 0, 60_000);
      expect(ids()).toHaveLength(120);
      expect(overlaps).toEqual([]);
      // The one that sends goes; another goes on, and nothing is sent twice for it.
      const [sender = 0] = sentBy;
      await hubs[sender]?.events.close();
      await hubs[(sender + 1) % 3]?.events.publish({ type: 'last' });
      await until(() => ids().length === 121, 30_000);
      expect(new Set(ids()).size).toBe(121);
    });

    it('send what a hub had in its hands when it was killed, long before it would be due again', { timeout: 90_000 }, async () => {
      const receiver = await startReceiver();
      closers.push(receiver.close);
      const place = next();
      const { events } = await openHub(place, { webhooks: { fetch, leaseMs: 2_000 } });
      await events.subscriptions.save(root, { name: 'hook', webhookUrl: receiver.url, fromOffset: 1, ackWaitMs: 3_600_000 });
      receiver.statuses.push('silence');
      await events.publish({ type: 'test' });
      const child = runChild<Said>('shared-hub.ts', [JSON.stringify(place), 'urn:child']);
      closers.push(() => child.kill());
      await until(() => receiver.received.length === 1, 30_000);
      await child.kill();
      await events.start();
      await until(() => receiver.received.length === 2, 30_000);
      const [before, after] = receiver.received.map(({ headers }) => headers['webhook-id']);
      expect(after).toBe(before);
      await until(async () => (await events.subscriptions.get(root, 'hook')).progress.pending.length === 0);
    });

    it('deliver everything that any of them acknowledged while they are killed one after another', { timeout: 180_000 }, async () => {
      const place = next();
      const store = await openStore(place);
      closers.push(() => store.close());
      const sources = ['urn:a', 'urn:b', 'urn:c'];
      const children = sources.map((source) => runChild<Said>('shared-hub.ts', [JSON.stringify(place), source, 'publish']));
      closers.push(async () => void (await Promise.all(children.map((child) => child.kill()))));
      const publishedBy = (at: number) => children[at]?.said.filter(({ what }) => what === 'published').length ?? 0;
      const delivered = async () => {
        const found: { by: string; source: string; n: number }[] = [];
        for await (const { value } of store.read('test/delivered')) found.push(value as unknown as (typeof found)[number]);
        return found;
      };
      await until(() => [0, 1, 2].every((at) => publishedBy(at) > 20), 30_000);
      await children[0]?.kill();
      const heard = publishedBy(1);
      await until(() => publishedBy(1) > heard + 20, 30_000);
      await children[1]?.kill();
      const promised = [0, 1, 2].map(publishedBy);
      const countOf = (found: Awaited<ReturnType<typeof delivered>>, source: string) =>
        new Set(found.filter((each) => each.source === source).map(({ n }) => n)).size;
      await until(async () => {
        const found = await delivered();
        return sources.every((source, at) => countOf(found, source) >= (promised[at] ?? 0));
      }, 60_000);
      await children[2]?.kill();
      const last = new Map<string, number>();
      const disorder: string[] = [];
      for (const { source, n } of await delivered()) {
        const before = last.get(source) ?? 0;
        if (n > before + 1) disorder.push(`${source}: ${n} after ${before}`);
        last.set(source, Math.max(before, n));
      }
      expect(disorder).toEqual([]);
      expect(sources.map((source, at) => (last.get(source) ?? 0) >= (promised[at] ?? 0))).toEqual([true, true, true]);
    });
  });
}
