import type { Clock, IdSource, KeyValueStore } from '@meshwork/core';
import { consume } from '../consume.ts';
import type { Deliverer, Delivery, Taken } from '../deliverer.ts';
import type { Progress } from '../progress.ts';
import type { Watched } from '../watcher.ts';
import type { SecretSeal } from './secret-seal.ts';
import { type SendOutcome, sendWebhook, type WebhookFetch } from './send-webhook.ts';
import { createSenderLease } from './sender-lease.ts';

export interface WebhookOptions {
  /** How requests are sent. The program gives one that guards the network it stands in (`createGuardedFetch` of transports). */
  readonly fetch: WebhookFetch;
  /**
   * Milliseconds after each failed attempt until the next; after the last one the event is a dead letter. A tenth of each, up or down, is
   * chance. Default: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
   */
  readonly retryMs?: readonly number[];
  /** Milliseconds a receiver has to answer. Default 20,000. */
  readonly timeoutMs?: number;
  /** Milliseconds without one success after which a webhook is disabled. Default 432,000,000 (five days). */
  readonly disableAfterMs?: number;
  /** Milliseconds for which a replaced secret still signs. Default 86,400,000 (a day). */
  readonly rotationMs?: number;
  /**
   * Of several hubs on one store one sends to a webhook at a time; when it dies, another goes on after so many milliseconds. Default 15,000.
   */
  readonly leaseMs?: number;
  /**
   * At least 32 secret bytes that are not in the store: secrets are sealed with them there, those that were kept in plain as soon as a hub starts with it.
   * Every hub of the store needs the same. Default: secrets are kept as they are.
   */
  readonly pepper?: Uint8Array;
  /** 0 to 1. Default `Math.random`. */
  readonly random?: () => number;
}

const minute = 60_000;
const hour = 3_600_000;
/** As Standard Webhooks suggests. */
export const standardRetryMs: readonly number[] = [5_000, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour];

const SEALED = 'its secret was sealed with another pepper; start the hub with the one it had, or make a new secret';
const nothing: Taken = { deliveries: [], hasMore: false, isElsewhere: false };

/** Requests to one receiver at once. */
const AT_ONCE = 8;

export interface WebhookRunnerParts extends Omit<WebhookOptions, 'pepper' | 'rotationMs'> {
  readonly deliverer: Deliverer;
  readonly store: KeyValueStore;
  readonly seal: SecretSeal;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly disable: (watched: Watched, reason: string) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Sends what is due to webhooks, each by a loop of its own: one that is slow holds up no other. Of several hubs on a store, one sends to each. */
export interface WebhookRunner {
  /** To be called when a subscription is there or has changed. */
  changed(watched: Watched): void;
  /** To be called when it is gone. */
  gone(watched: Watched): void;
  /** Gives up requests under way: what was not answered is sent again by the next hub. */
  close(): Promise<void>;
}

export function createWebhookRunner({ deliverer, store, seal, ids, clock, disable, onError, ...options }: WebhookRunnerParts): WebhookRunner {
  const { fetch, retryMs = standardRetryMs, timeoutMs = 20_000, disableAfterMs = 432_000_000, leaseMs = 15_000, random = Math.random } = options;
  const running = new Map<string, { watched: Watched; stop: AbortController; done: Promise<void> }>();

  const start = (watched: Watched) => {
    const stop = new AbortController();
    const loop = { watched, stop, done: Promise.resolve() };
    const lease = createSenderLease({ store, subscriptionId: watched.subscription.id, holder: ids('sender'), leaseMs, onError });
    let endKeeping = () => {};
    /** Gives up the requests under way, for another hub sends by now. */
    let lost = new AbortController();
    const take = async (): Promise<Taken> => {
      endKeeping();
      const { subscription } = loop.watched;
      if (!lease.isHeld) {
        // Looked at without a write first: a webhook that is idle on ten hubs costs nothing.
        const { isQuiet, dueAt } = await deliverer.isQuiet(subscription);
        if (isQuiet) return { ...nothing, ...(dueAt !== undefined && { dueAt }) };
      }
      const holding = await lease.hold();
      if (holding === 'elsewhere') return { ...nothing, isElsewhere: true };
      // Whoever had these is gone, or lost its turn.
      if (holding === 'new') await deliverer.reclaim(subscription);
      const taken = await deliverer.take(subscription, subscription.viewer, AT_ONCE);
      if (taken.deliveries.length === 0) return taken;
      lost = new AbortController();
      endKeeping = lease.keep(() => lost.abort());
      return taken;
    };
    const send = async (delivery: Delivery): Promise<SendOutcome> => {
      const { id, webhook } = loop.watched.subscription;
      if (webhook === undefined) return { kind: 'delivered' };
      const now = clock.now();
      const kept = webhook.secrets.filter(({ until }) => until === undefined || until > now);
      const [secret, ...older] = await Promise.all(kept.map((each) => seal.open(id, each.secret)));
      if (secret === undefined) return { kind: 'failed', reason: SEALED };
      const secrets = [secret, ...older.filter((each) => each !== undefined)];
      const signal = AbortSignal.any([stop.signal, lost.signal]);
      return sendWebhook(`msg_${id}_${delivery.offset}`, delivery, { url: webhook.url, secrets }, { fetch, clock, timeoutMs, signal });
    };
    const attempt = async (delivery: Delivery) => {
      const sent = await send(delivery);
      if (sent.kind === 'delivered') return undefined;
      if (sent.kind === 'failed' && (stop.signal.aborted || lost.signal.aborted)) return { retryInMs: 0, reason: sent.reason, isCounted: false };
      const planned = (retryMs[Math.min(delivery.delivery, retryMs.length) - 1] ?? 0) * (0.9 + random() / 5);
      if (sent.kind === 'gone') {
        stop.abort();
        await disable(loop.watched, 'the receiver answered 410, Gone');
        return { retryInMs: planned, reason: 'answered 410' };
      }
      return { retryInMs: Math.round(Math.max(planned, sent.retryAfterMs ?? 0)), reason: sent.reason };
    };
    const onSettled = async ({ failingSince, lastFailure }: Progress) => {
      if (failingSince === undefined || clock.now() - failingSince < disableAfterMs || stop.signal.aborted) return;
      stop.abort();
      await disable(loop.watched, `every attempt since ${new Date(failingSince).toISOString()} has failed; the last one ${lastFailure ?? 'too'}`);
    };
    const sending = consume({
      take,
      // Whoever has lost its turn only says what has arrived: the rest is another hub's by now.
      settle: ({ released = [], ...settlement }) =>
        deliverer.settle(loop.watched.subscription, lease.isHeld ? { ...settlement, released } : { acknowledged: settlement.acknowledged ?? [] }),
      attempt,
      onSettled,
      isParallel: watched.subscription.order === 'none',
      bell: watched.bell,
      clock,
      signal: stop.signal,
      onError,
    });
    loop.done = sending.finally(async () => {
      endKeeping();
      await lease.release();
    });
    running.set(watched.subscription.id, loop);
  };
  const end = (id: string) => {
    running.get(id)?.stop.abort();
    running.delete(id);
  };

  return {
    changed(watched) {
      const { id, webhook } = watched.subscription;
      const loop = running.get(id);
      if (webhook?.status !== 'active') end(id);
      else if (loop === undefined || loop.stop.signal.aborted) start(watched);
      else loop.watched = watched;
    },
    gone: ({ subscription }) => end(subscription.id),
    async close() {
      const loops = [...running.values()];
      for (const { stop } of loops) stop.abort();
      await Promise.all(loops.map(({ done }) => done));
    },
  };
}
