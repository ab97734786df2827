import { ClosedError, type KeyValueStore } from '@meshwork/core';
import { type Bell, createBell } from './bell.ts';
import type { RecordedEvent } from './cloud-event.ts';
import type { EventLog } from './event-log.ts';
import { compileFilter, type EventTest } from './filter.ts';
import type { Subscription } from './subscription.ts';
import { SUBSCRIPTIONS } from './subscription-book.ts';
import type { CanSee } from './visibility.ts';

/** Somebody's subscription, as this hub has it in mind. */
export interface Watched {
  readonly subscription: Subscription;
  /** Rings when there may be work for it. */
  readonly bell: Bell;
}

export interface WatcherOptions {
  readonly log: EventLog;
  readonly store: KeyValueStore;
  readonly canSee: CanSee;
  readonly onError: (error: unknown) => void;
  /** Called for each event, of whichever hub on this journal, with the subscriptions it is for. */
  readonly onEvent: (record: RecordedEvent, fitting: readonly Watched[]) => void;
  /** Called when a subscription is there, has changed or is gone. */
  readonly onSubscription: (watched: Watched, isGone: boolean) => void;
}

/** Follows the log and the subscriptions for the whole hub, behind the publishers' backs: none of them waits for it. */
export interface Watcher {
  /** What rings when there may be work for the subscription of this id, here as soon as it is asked for. */
  bellOf(id: string): Bell;
  /** Resolves once every subscription is known and no later event is missed. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const PAUSE_MS = 1_000;

export function createWatcher({ log, store, canSee, onError, onEvent, onSubscription }: WatcherOptions): Watcher {
  const known = new Map<string, Watched & { readonly fits: EventTest }>();
  const bells = new Map<string, Bell>();
  const stopping = new AbortController();
  const { signal } = stopping;
  let started: Promise<void> | undefined;
  let loops: Promise<unknown> = Promise.resolve();

  const bellOf = (id: string) => {
    const bell = bells.get(id) ?? createBell();
    bells.set(id, bell);
    return bell;
  };
  const learn = (key: string, subscription: Subscription | undefined) => {
    const before = known.get(key);
    if (before !== undefined && before.subscription.id !== subscription?.id) {
      known.delete(key);
      bells.delete(before.subscription.id);
      before.bell.ring();
      onSubscription(before, true);
    }
    if (subscription === undefined) return;
    const bell = bellOf(subscription.id);
    const watched = { subscription, bell, fits: compileFilter(subscription.filter) };
    known.set(key, watched);
    bell.ring();
    onSubscription(watched, false);
  };
  const again = async (work: () => Promise<void>) => {
    while (!signal.aborted) {
      try {
        await work();
        if (!signal.aborted) await pause(signal);
      } catch (error) {
        if (error instanceof ClosedError || signal.aborted) return;
        onError(error);
        await pause(signal);
      }
    }
  };
  const readAll = async () => {
    const seen = new Set<string>();
    for await (const { key, value } of store.list(SUBSCRIPTIONS)) {
      seen.add(key);
      learn(key, value as unknown as Subscription);
    }
    for (const key of known.keys()) if (!seen.has(key)) learn(key, undefined);
  };
  const begin = async () => {
    let next: number | undefined;
    const listed = Promise.withResolvers<void>();
    const placed = Promise.withResolvers<void>();
    const followSubscriptions = async () => {
      // The watch begins with its first step; what was before is listed after that, so that nothing falls between the two.
      const changes = store.watch(SUBSCRIPTIONS, { signal })[Symbol.asyncIterator]();
      const first = changes.next();
      first.catch(() => {});
      await readAll();
      listed.resolve();
      for (let { done, value } = await first; done !== true; { done, value } = await changes.next())
        learn(value.key, value.type === 'put' ? (value.value as unknown as Subscription) : undefined);
    };
    const followLog = async () => {
      next ??= (await log.head()) + 1;
      placed.resolve();
      // Whatever was missed in a failure is found by whoever is woken now.
      for (const bell of bells.values()) bell.ring();
      for await (const record of log.follow(next, signal)) {
        next = record.offset + 1;
        const fitting = [...known.values()].filter(({ fits, subscription }) => fits(record.event) && canSee(subscription.viewer, record.event));
        for (const { bell } of fitting) bell.ring();
        onEvent(record, fitting);
      }
    };
    loops = Promise.all([again(followSubscriptions), again(followLog)]);
    await Promise.race([Promise.all([listed.promise, placed.promise]), loops]);
  };
  return {
    bellOf,
    start() {
      started ??= begin();
      return started;
    },
    async stop() {
      stopping.abort();
      await loops;
    },
  };
}

function pause(signal: AbortSignal): Promise<void> {
  return createBell().wait(0, PAUSE_MS, signal);
}
