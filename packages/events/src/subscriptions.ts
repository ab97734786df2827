import { type Clock, DeniedError, type IdSource, InvalidInputError, LimitedError, NotFoundError, ownerOf, type Principal } from '@meshwork/core';
import type { Deliverer, Taken } from './deliverer.ts';
import type { EventLog } from './event-log.ts';
import { compileFilter, type EventFilter } from './filter.ts';
import type { Progress, Settlement } from './progress.ts';
import { checkRules, checkSubscriptionName, type DeliveryRules, type Subscription, standardRules } from './subscription.ts';
import type { SubscriptionBook } from './subscription-book.ts';
import { viewerOf } from './visibility.ts';
import { type SecretSeal, sealSecrets } from './webhooks/secret-seal.ts';
import { createWebhookSecret } from './webhooks/sign-webhook.ts';
import { checkWebhookUrl } from './webhooks/webhook-target.ts';

/** Where a subscription or a replay begins: now, where nothing is said. */
export interface StartingPoint {
  readonly fromOffset?: number;
  /** Milliseconds since the Unix epoch. */
  readonly fromTime?: number;
}

export interface SubscriptionRequest extends StartingPoint, Partial<DeliveryRules> {
  readonly name: string;
  readonly filter?: EventFilter;
  /** Sends the events there; without it somebody takes them. */
  readonly webhookUrl?: string;
}

/** A principal's durable subscriptions. Somebody else's are as if they were not there. */
export interface Subscriptions {
  /**
   * Makes one, or gives the one of this name another filter, other rules or another URL; where it has come to stays. The secret of a webhook is
   * in the answer when it is new, and never again.
   *
   * @throws {InvalidInputError}, {@link DeniedError} for callers without a credential, and for a webhook when the caller may have none,
   * {@link LimitedError} when the caller has as many as may be.
   */
  save(principal: Principal, request: SubscriptionRequest): Promise<{ subscription: Subscription; secret?: string }>;
  /** The principal's, or for admins those of another owner, as `ownerOf` writes it. @throws {DeniedError} */
  list(principal: Principal, owner?: string): Promise<readonly Subscription[]>;
  /** @throws {NotFoundError} */
  get(principal: Principal, name: string): Promise<{ subscription: Subscription; progress: Progress }>;
  /** Events that are due. @throws {NotFoundError}, {@link InvalidInputError} when it is a webhook's. */
  take(principal: Principal, name: string, limit: number): Promise<Taken>;
  /** How many of the offsets were pending. @throws {NotFoundError} */
  settle(principal: Principal, name: string, settlement: Settlement): Promise<number>;
  /** False when there was none. @throws {DeniedError} when it is somebody else's and the caller no admin. */
  remove(principal: Principal, name: string, owner?: string): Promise<boolean>;
  /** A new secret; the old one signs beside it for a while. @throws {NotFoundError}, {@link InvalidInputError} when it is no webhook's. */
  rotateSecret(principal: Principal, name: string): Promise<string>;
  /** Sends again to a webhook that was disabled. @throws {NotFoundError}, {@link InvalidInputError} */
  resume(principal: Principal, name: string): Promise<Subscription>;
  /** Delivers again from there. @throws {NotFoundError} */
  replay(principal: Principal, name: string, from: StartingPoint): Promise<void>;
  /** Delivers dead letters again, each once. @throws {NotFoundError} */
  replayDead(principal: Principal, name: string): Promise<{ replayed: number; left: number }>;
}

export interface SubscriptionsOptions {
  readonly book: SubscriptionBook;
  readonly deliverer: Deliverer;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly mostPerOwner: number;
  readonly seal: SecretSeal;
  /** Wakes whoever delivers for the subscription, on every hub. */
  readonly wake: (subscription: Subscription) => Promise<void>;
  /** Absent: there are no webhooks. */
  readonly webhooks?: { readonly mayUse: (principal: Principal) => boolean; readonly rotationMs: number; readonly maxDeliveries: number };
}

/** Times one call looks on in the log, 2,000 events each. */
const MOST_SCANS = 20;

export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { book, deliverer, log, clock, ids, mostPerOwner, seal, wake, webhooks } = options;
  const checkOwner = (principal: Principal, owner: string) => {
    if (owner !== ownerOf(principal) && !principal.roles.includes('admin')) throw new DeniedError('only admins see and remove the subscriptions of others');
  };
  const find = async (principal: Principal, name: string) => {
    checkSubscriptionName(name);
    const subscription = principal.kind === 'anonymous' ? undefined : await book.find(ownerOf(principal), name);
    if (subscription === undefined) throw new NotFoundError(`you have no subscription ${JSON.stringify(name)}; list yours, or make it`);
    return subscription;
  };
  const startOf = async ({ fromOffset, fromTime }: StartingPoint) => {
    if (fromOffset !== undefined && fromTime !== undefined) throw new InvalidInputError('begin at an offset or at a time, not at both');
    if (fromTime !== undefined) return log.offsetAt(fromTime);
    return fromOffset ?? (await log.head()) + 1;
  };
  const checkWebhook = (principal: Principal, url: string) => {
    checkWebhookUrl(url);
    if (webhooks === undefined) throw new InvalidInputError('this hub sends no webhooks; take the events instead');
    if (!webhooks.mayUse(principal)) throw new DeniedError('you may not have events sent to a URL; take them instead, or ask an admin of this hub');
  };
  const changed = async (subscription: Subscription, request: SubscriptionRequest): Promise<Subscription> => {
    const { filter, webhookUrl, name: _name, fromOffset, fromTime, ...rules } = request;
    if (fromOffset !== undefined || fromTime !== undefined)
      throw new InvalidInputError('there is a subscription of this name; where it has come to is changed by a replay');
    if ((webhookUrl !== undefined) !== (subscription.webhook !== undefined))
      throw new InvalidInputError(`the subscription ${subscription.name} is ${subscription.webhook === undefined ? 'no' : 'a'} webhook; remove it first`);
    return book.change(subscription.owner, subscription.name, (present) => {
      const { order, ackWaitMs, maxDeliveries, maxInFlight } = { ...present, ...withoutUndefined(rules) };
      const webhook = present.webhook && { ...present.webhook, url: webhookUrl ?? present.webhook.url };
      const next = { ...present, ...checkRules({ order, ackWaitMs, maxDeliveries, maxInFlight }), filter: filter ?? present.filter };
      return { ...next, ...(webhook !== undefined && { webhook }) };
    });
  };

  return {
    async save(principal, request) {
      if (principal.kind === 'anonymous') throw new DeniedError('a durable subscription belongs to somebody; show a credential first');
      const { name, filter = {}, webhookUrl, fromOffset, fromTime, ...rules } = request;
      checkSubscriptionName(name);
      compileFilter(filter);
      if (webhookUrl !== undefined) checkWebhook(principal, webhookUrl);
      const owner = ownerOf(principal);
      const present = await book.find(owner, name);
      if (present !== undefined) return { subscription: await changed(present, request) };
      let own = 0;
      for await (const _ of book.list(owner)) own += 1;
      if (own >= mostPerOwner) throw new LimitedError(`you have ${own} subscriptions, as many as may be; remove one`);
      const standard =
        webhookUrl === undefined ? standardRules : { ...standardRules, order: 'none' as const, maxDeliveries: webhooks?.maxDeliveries ?? 1, ackWaitMs: 60_000 };
      const secret = webhookUrl === undefined ? undefined : createWebhookSecret();
      const id = ids('sub');
      const subscription: Subscription = {
        id,
        owner,
        name,
        viewer: viewerOf(principal),
        filter,
        createdAt: new Date(clock.now()).toISOString(),
        ...checkRules({ ...standard, ...withoutUndefined(rules) }),
        ...(webhookUrl !== undefined &&
          secret !== undefined && { webhook: { url: webhookUrl, secrets: [{ secret: await seal.seal(id, secret) }], status: 'active' } }),
      };
      await book.add(subscription, await startOf({ ...(fromOffset !== undefined && { fromOffset }), ...(fromTime !== undefined && { fromTime }) }));
      return { subscription, ...(secret !== undefined && { secret }) };
    },
    async list(principal, owner = ownerOf(principal)) {
      if (principal.kind === 'anonymous') return [];
      checkOwner(principal, owner);
      const found: Subscription[] = [];
      for await (const subscription of book.list(owner)) found.push(subscription);
      return found;
    },
    async get(principal, name) {
      const subscription = await find(principal, name);
      return { subscription, progress: await book.progressOf(subscription) };
    },
    async take(principal, name, limit) {
      const subscription = await find(principal, name);
      if (subscription.webhook !== undefined) throw new InvalidInputError(`the events of ${name} are sent to its webhook; they cannot be taken too`);
      // What fits may be far apart: an empty answer while there is more would look as if there were none.
      let taken = await deliverer.take(subscription, viewerOf(principal), limit);
      for (let again = 0; again < MOST_SCANS && taken.deliveries.length === 0 && taken.hasMore; again++)
        taken = await deliverer.take(subscription, viewerOf(principal), limit);
      return taken;
    },
    settle: async (principal, name, settlement) => (await deliverer.settle(await find(principal, name), settlement)).settled,
    async remove(principal, name, owner = ownerOf(principal)) {
      checkSubscriptionName(name);
      checkOwner(principal, owner);
      const subscription = await book.find(owner, name);
      const isRemoved = await book.remove(owner, name);
      if (isRemoved && subscription !== undefined) await deliverer.dropDead(subscription);
      return isRemoved;
    },
    async rotateSecret(principal, name) {
      const { owner } = await find(principal, name);
      const secret = createWebhookSecret();
      const now = clock.now();
      await book.change(owner, name, async (present) => {
        if (present.webhook === undefined) throw new InvalidInputError(`the subscription ${name} is no webhook and has no secret`);
        const until = now + (webhooks?.rotationMs ?? 0);
        const older = present.webhook.secrets.filter((one) => one.until === undefined || one.until > now).map((one) => ({ until, ...one }));
        // Two beside the new one: whoever rotates again and again adds no work to every request.
        const kept = [{ secret: await seal.seal(present.id, secret) }, ...older.slice(0, 2)];
        return sealSecrets({ ...present, webhook: { ...present.webhook, secrets: kept } }, seal);
      });
      return secret;
    },
    async resume(principal, name) {
      const subscription = await find(principal, name);
      if (subscription.webhook !== undefined) checkWebhook(principal, subscription.webhook.url);
      await book.move(subscription, async ({ failingSince: _since, lastFailure: _last, ...progress }) => ({
        progress: { ...progress, pending: progress.pending.map((entry) => ({ ...entry, dueAt: 0, isOut: false })) },
        outcome: undefined,
      }));
      return book.change(subscription.owner, name, (present) => {
        if (present.webhook === undefined) throw new InvalidInputError(`the subscription ${name} is no webhook; there is nothing to resume`);
        const { reason: _reason, ...webhook } = present.webhook;
        return { ...present, viewer: viewerOf(principal), webhook: { ...webhook, status: 'active' } };
      });
    },
    async replay(principal, name, from) {
      const subscription = await find(principal, name);
      await deliverer.rewind(subscription, await startOf(from));
      await wake(subscription);
    },
    async replayDead(principal, name) {
      const subscription = await find(principal, name);
      const outcome = await deliverer.replayDead(subscription);
      await wake(subscription);
      return outcome;
    },
  };
}

function withoutUndefined<T extends object>(rules: T): T {
  return Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined)) as T;
}
