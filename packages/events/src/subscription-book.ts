import { ConflictError, type JsonObject, type KeyValueStore, NotFoundError } from '@meshwork/core';
import type { Progress } from './progress.ts';
import type { Subscription } from './subscription.ts';
import { createTurns } from './turns.ts';

/** Where durable subscriptions are kept: what they are under one prefix, how far they have come under another. */
export interface SubscriptionBook {
  /** @throws {ConflictError} when the owner has one of that name. */
  add(subscription: Subscription, next: number): Promise<void>;
  /** Changes it by compare-and-set; nothing is written where `change` gives back what it got. @throws {NotFoundError} */
  change(owner: string, name: string, change: (subscription: Subscription) => Subscription | Promise<Subscription>): Promise<Subscription>;
  /** Writes it as it is, so that every hub of the store looks at it again. Nothing happens when it is gone. */
  touch(subscription: Subscription): Promise<void>;
  find(owner: string, name: string): Promise<Subscription | undefined>;
  /** Of one owner, or all. */
  list(owner?: string): AsyncIterable<Subscription>;
  /** True when there was one. */
  remove(owner: string, name: string): Promise<boolean>;
  progressOf(subscription: Subscription): Promise<Progress>;
  /**
   * Moves it on by compare-and-set: `work` may be called again, with what somebody else has written meanwhile. Where it gives the progress
   * back as it got it, nothing is written.
   *
   * @throws {NotFoundError} when the subscription is gone.
   */
  move<T>(subscription: Subscription, work: (progress: Progress) => Promise<{ progress: Progress; outcome: T }>): Promise<T>;
}

/** Where what subscriptions are is kept. */
export const SUBSCRIPTIONS = 'events/subscription/';
const PROGRESS = 'events/progress/';

export function createSubscriptionBook(store: KeyValueStore): SubscriptionBook {
  const inTurn = createTurns();
  const load = async (owner: string, name: string) => {
    const entry = await store.get(keyOf(owner, name));
    return entry && { subscription: entry.value as unknown as Subscription, revision: entry.revision };
  };
  const progressEntry = async ({ id, name }: Subscription) => {
    const entry = await store.get(PROGRESS + id);
    if (entry === undefined) throw new NotFoundError(`there is no subscription ${JSON.stringify(name)}`);
    return { progress: entry.value as unknown as Progress, revision: entry.revision };
  };
  const change: SubscriptionBook['change'] = async (owner, name, alter) => {
    for (;;) {
      const found = await load(owner, name);
      if (found === undefined) throw new NotFoundError(`there is no subscription ${JSON.stringify(name)}`);
      const changed = await alter(found.subscription);
      if (changed === found.subscription) return changed;
      if (await isPut(store.put(keyOf(owner, name), changed as unknown as JsonObject, { expected: found.revision }))) return changed;
    }
  };
  return {
    async add(subscription, next) {
      // The place first: a subscription that is seen has one.
      await store.put(PROGRESS + subscription.id, { next, pending: [], deadReplayed: 0 });
      try {
        await store.put(keyOf(subscription.owner, subscription.name), subscription as unknown as JsonObject, { expected: 0 });
      } catch (error) {
        await store.delete(PROGRESS + subscription.id);
        if (error instanceof ConflictError) throw new ConflictError(`there is a subscription ${JSON.stringify(subscription.name)} already`, { cause: error });
        throw error;
      }
    },
    change,
    async touch({ owner, name }) {
      try {
        await change(owner, name, (present) => ({ ...present }));
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error;
      }
    },
    find: async (owner, name) => (await load(owner, name))?.subscription,
    async *list(owner) {
      for await (const { value } of store.list(owner === undefined ? SUBSCRIPTIONS : keyOf(owner, ''))) yield value as unknown as Subscription;
    },
    async remove(owner, name) {
      const found = await load(owner, name);
      if (found === undefined) return false;
      const isRemoved = await store.delete(keyOf(owner, name));
      await store.delete(PROGRESS + found.subscription.id);
      return isRemoved;
    },
    progressOf: async (subscription) => (await progressEntry(subscription)).progress,
    move: (subscription, work) =>
      inTurn(subscription.id, async () => {
        for (;;) {
          const { progress: before, revision } = await progressEntry(subscription);
          const { progress, outcome } = await work(before);
          if (progress === before) return outcome;
          if (await isPut(store.put(PROGRESS + subscription.id, progress as unknown as JsonObject, { expected: revision }))) return outcome;
        }
      }),
  };
}

function keyOf(owner: string, name: string): string {
  return `${SUBSCRIPTIONS}${encodeURIComponent(owner)}/${name}`;
}

/** False when somebody else was first. */
async function isPut(put: Promise<unknown>): Promise<boolean> {
  try {
    await put;
    return true;
  } catch (error) {
    if (error instanceof ConflictError) return false;
    throw error;
  }
}
