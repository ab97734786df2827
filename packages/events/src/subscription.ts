import { InvalidInputError } from '@meshwork/core';
import type { EventFilter } from './filter.ts';
import type { Viewer } from './visibility.ts';
import type { WebhookTarget } from './webhooks/webhook-target.ts';

/** A durable subscription: a name, a filter and how it is delivered. How far it has come is kept beside it. */
export interface Subscription extends DeliveryRules {
  /** Made anew with every subscription, so that one that takes a dead one's name takes nothing else of it. */
  readonly id: string;
  /** Whose it is, as `ownerOf` writes it. Names are the owner's own. */
  readonly owner: string;
  readonly name: string;
  /** Whose eyes its webhook and its consumers in the hub see with. */
  readonly viewer: Viewer;
  readonly filter: EventFilter;
  readonly createdAt: string;
  readonly webhook?: WebhookTarget;
}

export interface DeliveryRules {
  /**
   * `source`: of one source, an event is handed out only when those before it are acknowledged or dead, or together with them in their order.
   * `none`: each event by itself.
   */
  readonly order: 'source' | 'none';
  /** Milliseconds after which an event that was handed out and not acknowledged is handed out again; doubled with each time, up to an hour. */
  readonly ackWaitMs: number;
  /** How often one event is handed out before it goes to the dead letters. */
  readonly maxDeliveries: number;
  /** How many events may be handed out or waiting for their turn at once; what comes behind them stays in the log. */
  readonly maxInFlight: number;
}

export const standardRules: DeliveryRules = { order: 'source', ackWaitMs: 30_000, maxDeliveries: 5, maxInFlight: 64 };

const bounds: readonly (readonly [Exclude<keyof DeliveryRules, 'order'>, number, number])[] = [
  ['ackWaitMs', 1, 86_400_000],
  ['maxDeliveries', 1, 100],
  ['maxInFlight', 1, 256],
];

/** @throws {InvalidInputError} */
export function checkRules(rules: DeliveryRules): DeliveryRules {
  for (const [name, least, most] of bounds)
    if (!Number.isSafeInteger(rules[name]) || rules[name] < least || rules[name] > most)
      throw new InvalidInputError(`${name} is ${String(rules[name])}; it must be a whole number from ${least} to ${most}`);
  return rules;
}

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** @throws {InvalidInputError} */
export function checkSubscriptionName(name: string): void {
  if (!NAME.test(name))
    throw new InvalidInputError(`the subscription name ${JSON.stringify(name.slice(0, 80))} must be 1 to 64 characters of A-Z a-z 0-9 _ . -`);
}
