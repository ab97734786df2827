import {
  type Clock,
  type HubHandle,
  type IdSource,
  type Journal,
  type KeyValueStore,
  type Module,
  ownerOf,
  type Principal,
  randomIds,
  systemClock,
} from '@meshwork/core';
import { createAnnouncer } from './announcer.ts';
import type { RecordedEvent } from './cloud-event.ts';
import { consume } from './consume.ts';
import { createDeliverer, type DeadLetter, type Delivery } from './deliverer.ts';
import { createEventBus, type EventBus } from './event-bus.ts';
import { createEventLog } from './event-log.ts';
import { createEventResources, RECENT, uriOf } from './event-resources.ts';
import { compileFilter, type EventFilter } from './filter.ts';
import { type Loss, type Retention, type Trimmed, trimEvents } from './retention.ts';
import { type EventPage, type EventQuery, search } from './search.ts';
import type { Subscription } from './subscription.ts';
import { createSubscriptionBook } from './subscription-book.ts';
import { createSubscriptions, type StartingPoint, type SubscriptionRequest, type Subscriptions } from './subscriptions.ts';
import { createEventQuery } from './tools/event-query.ts';
import { createEventReplay } from './tools/event-replay.ts';
import { createEventSubscribe } from './tools/event-subscribe.ts';
import { createUpkeep } from './upkeep.ts';
import { type CanSee, seesOwn, type Viewer, viewerOf } from './visibility.ts';
import { createWatcher, type Watched } from './watcher.ts';
import { keepSealed } from './webhooks/keep-sealed.ts';
import { createSecretSeal } from './webhooks/secret-seal.ts';
import { createWebhookRunner, standardRetryMs, type WebhookOptions } from './webhooks/webhook-runner.ts';

export interface EventsOptions {
  /** Where events and dead letters are kept. */
  readonly journal: Journal;
  /** Where durable subscriptions are kept, the secrets of webhooks among them. */
  readonly store: KeyValueStore;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  /** The source of events that name none: a URI reference. Default `urn:meshwork:hub`. */
  readonly source?: string;
  /** Who sees which events. Default {@link seesOwn}. */
  readonly canSee?: CanSee;
  /** How webhooks are sent, and who may have some: default, admins. Without it there are none. */
  readonly webhooks?: WebhookOptions & { readonly mayUse?: (principal: Principal) => boolean };
  /** How much is kept. Default: everything. */
  readonly retention?: Retention;
  /** Durable subscriptions one principal may have. Default 50. */
  readonly maxSubscriptions?: number;
  /** Called with what went wrong in the background, for the operator's log. */
  readonly onError?: (error: unknown) => void;
}

export interface ListenOptions extends StartingPoint {
  readonly filter?: EventFilter;
  /** Who looks. Default: the program itself, which sees all. */
  readonly viewer?: Viewer;
  readonly signal?: AbortSignal;
}

export interface ConsumerRequest extends Omit<SubscriptionRequest, 'webhookUrl'> {
  readonly principal: Principal;
}

/** The module, and what an application uses of it directly. `Types`: what the data of each type of event is. */
export interface Events<Types extends object = Record<string, unknown>> extends Module, EventBus<Types> {
  /** A page of what the viewer may see. */
  query(viewer: Viewer, query?: EventQuery): Promise<EventPage>;
  /** Events from now on, or from a place in the log, until the signal aborts. It holds a position and no queue: who reads slowly only falls behind. */
  listen(options?: ListenOptions): AsyncIterable<RecordedEvent>;
  readonly subscriptions: Subscriptions;
  /**
   * A durable subscription whose events are handed to a function, in this process. An event is acknowledged when the function has returned; when
   * it throws, the event comes again after `ackWaitMs`, doubled with each time. Consumers of one name, on this hub and on others of its store, share
   * its events. The function returned ends it and waits for what is under way; the subscription stays, and goes on with the next consumer of its name.
   */
  consume(request: ConsumerRequest, handle: (delivery: Delivery) => Promise<void> | void): Promise<() => Promise<void>>;
  /** A page of a subscription's dead letters, oldest first. @throws {NotFoundError} */
  deadLetters(principal: Principal, name: string, from?: number, limit?: number): Promise<EventPage>;
  /** Drops now what the retention lets go; without one, nothing. A hub does so by itself. */
  upkeep(): Promise<Trimmed>;
  /** Resolves once webhooks are running and resource updates are sent. A hub begins this by itself. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** The stream events are kept in. */
const STREAM = 'events/log';
/** Events handed to one consumer at once. */
const BATCH = 64;
const LONGEST_RETRY_MS = 3_600_000;

/** Events that are on record before anybody hears of them, and delivered to whoever subscribed until they are acknowledged. */
export function createEvents<Types extends object = Record<string, unknown>>(options: EventsOptions): Events<Types> {
  const { journal, store, clock = systemClock, ids = randomIds, source = 'urn:meshwork:hub', canSee = seesOwn } = options;
  const { webhooks, retention, maxSubscriptions = 50, onError = () => {} } = options;
  const log = createEventLog(journal, STREAM);
  const { settle, ...bus } = createEventBus<Types>({ log, clock, ids, source, onError });
  const book = createSubscriptionBook(store);
  const deliverer = createDeliverer({ log, journal, book, canSee, clock });
  const closing = new AbortController();
  const consumers = new Set<Promise<void>>();
  /** By id: what subscriptions are by now, whoever changed them. */
  const present = new Map<string, Subscription>();
  const seal = createSecretSeal(webhooks?.pepper);
  let hub: HubHandle | undefined;
  const announcer = createAnnouncer((uri) => hub?.resourceUpdated(uri));

  const tell = ({ id, viewer }: Subscription, type: string, data: object) => {
    // The id and not the name, which may be what some agent is called: whose name is the subject may see the event.
    const event = { type, source, subject: id, data, ...(viewer.kind === 'agent' && { owner: viewer.id }) };
    return bus.publishAll([event as never]);
  };
  const upkeep = createUpkeep(
    () =>
      trimEvents(
        {
          log,
          journal,
          book,
          deadLettersOf: deliverer.deadLettersOf,
          canSee,
          clock,
          onLoss: (subscription, { events, keptFrom }: Loss) =>
            tell(subscription, 'meshwork.subscription.overtaken', { subscription: subscription.name, lost: events, keptFrom }),
        },
        retention ?? {},
        closing.signal,
      ),
    { everyMs: retention?.everyMs ?? 60_000, onError },
  );
  const runner =
    webhooks &&
    createWebhookRunner({
      ...webhooks,
      deliverer,
      store,
      seal,
      ids,
      clock,
      onError,
      async disable({ subscription }, reason) {
        const { name, owner } = subscription;
        const disabled = await book.change(owner, name, (present) => ({
          ...present,
          ...(present.webhook && { webhook: { ...present.webhook, status: 'disabled', reason } }),
        }));
        await tell(subscription, 'meshwork.webhook.disabled', { subscription: name, url: disabled.webhook?.url, reason });
      },
    });
  const watcher = createWatcher({
    log,
    store,
    canSee,
    onError,
    onEvent(_record, fitting) {
      announcer.changed(RECENT);
      for (const { subscription } of fitting) if (subscription.webhook === undefined) announcer.changed(uriOf(subscription.name));
    },
    onSubscription(watched: Watched, isGone) {
      const { subscription } = watched;
      announcer.changed(uriOf(subscription.name));
      if (isGone) {
        present.delete(subscription.id);
        runner?.gone(watched);
        return;
      }
      present.set(subscription.id, subscription);
      runner?.changed(watched);
      if (runner !== undefined && subscription.webhook !== undefined) void keepSealed(subscription, { book, seal, onError });
    },
  });
  const subscriptions = createSubscriptions({
    book,
    deliverer,
    log,
    clock,
    ids,
    mostPerOwner: maxSubscriptions,
    seal,
    wake: (subscription) => book.touch(subscription),
    ...(webhooks && {
      webhooks: {
        mayUse: webhooks.mayUse ?? (({ roles }) => roles.includes('admin')),
        rotationMs: webhooks.rotationMs ?? 86_400_000,
        maxDeliveries: (webhooks.retryMs ?? standardRetryMs).length + 1,
      },
    }),
  });
  const query: Events['query'] = (viewer, wanted = {}) => search(log, canSee, viewer, wanted);
  const deadLetters: Events['deadLetters'] = async (principal, name, from = 1, limit = 100) => {
    const { subscription } = await subscriptions.get(principal, name);
    const events: RecordedEvent[] = [];
    for await (const { offset, time, value } of journal.read(deliverer.deadLettersOf(subscription), { from, limit: limit + 1 })) {
      if (events.length === limit) return { events, next: offset };
      const letter = value as unknown as DeadLetter;
      if (canSee(viewerOf(principal), letter.event)) events.push({ offset: letter.offset, recordedAt: time, event: letter.event });
    }
    return { events };
  };

  const start = () => {
    if (retention !== undefined) upkeep.start();
    return watcher.start();
  };
  const saveForConsumer = async (principal: Principal, { fromOffset, fromTime, ...lasting }: Omit<ConsumerRequest, 'principal'>) => {
    const isThere = async () => (await book.find(ownerOf(principal), lasting.name)) !== undefined;
    if (await isThere()) return subscriptions.save(principal, lasting);
    const start = { ...(fromOffset !== undefined && { fromOffset }), ...(fromTime !== undefined && { fromTime }) };
    try {
      return await subscriptions.save(principal, { ...lasting, ...start });
    } catch (error) {
      // Another hub that begins to consume it may have been first; then it began where that one says.
      if (await isThere()) return subscriptions.save(principal, lasting);
      throw error;
    }
  };

  return {
    name: 'events',
    tools: [createEventQuery({ search: query }), createEventSubscribe({ subscriptions }), createEventReplay({ subscriptions, search: query, deadLetters })],
    resources: createEventResources({
      subscriptions,
      search: query,
      head: log.head,
      deadLettersOf: (subscription) => deliverer.countDead(subscription),
    }),
    attach(handle) {
      hub = handle;
      start().catch(onError);
    },
    ...bus,
    query,
    async *listen({ filter = {}, viewer, fromOffset, fromTime, signal } = {}) {
      const fits = compileFilter(filter);
      const ends = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
      const from = fromTime === undefined ? (fromOffset ?? (await log.head()) + 1) : await log.offsetAt(fromTime);
      for await (const record of log.follow(from, ends)) if (fits(record.event) && (viewer === undefined || canSee(viewer, record.event))) yield record;
    },
    subscriptions,
    async consume({ principal, ...request }, handle) {
      await watcher.start();
      const { subscription } = await saveForConsumer(principal, request);
      const stop = new AbortController();
      const done = consume({
        take: () => {
          const current = present.get(subscription.id) ?? subscription;
          return deliverer.take(current, current.viewer, BATCH);
        },
        settle: (settlement) => deliverer.settle(subscription, settlement),
        async attempt(delivery) {
          try {
            await handle(delivery);
            return undefined;
          } catch (error) {
            onError(error);
            const retryInMs = Math.min(subscription.ackWaitMs * 2 ** (delivery.delivery - 1), LONGEST_RETRY_MS);
            return { retryInMs, reason: 'the handler failed' };
          }
        },
        isParallel: false,
        bell: watcher.bellOf(subscription.id),
        clock,
        signal: AbortSignal.any([stop.signal, closing.signal]),
        onError,
      });
      consumers.add(done);
      return async () => {
        stop.abort();
        await done;
        consumers.delete(done);
      };
    },
    deadLetters,
    upkeep: () => upkeep.run(),
    start,
    async close() {
      await settle();
      closing.abort();
      await Promise.all([...consumers, runner?.close(), upkeep.stop()]);
      await watcher.stop();
      announcer.close();
    },
  };
}
