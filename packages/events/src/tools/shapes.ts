import { z } from 'zod';
import type { RecordedEvent } from '../cloud-event.ts';
import type { EventFilter } from '../filter.ts';
import type { Progress } from '../progress.ts';
import type { Subscription } from '../subscription.ts';

const entries = z.array(z.string().min(1).max(1_024)).min(1).max(64).optional();

/** Which events, as tools are asked for them. */
export const filterShape = z.strictObject({
  types: entries.describe('One of these types; a * at the end stands for any ending, as in grant.*'),
  sources: entries.describe('One of these sources; a * at the end stands for any ending.'),
  subjects: entries.describe('One of these subjects; a * at the end stands for any ending.'),
  data: z
    .array(
      z.strictObject({
        pointer: z.string().max(1_024).describe('JSON pointer into the data (RFC 6901), such as /agent/id'),
        one_of: z
          .array(z.union([z.string().max(1_024), z.number(), z.boolean(), z.null()]))
          .min(1)
          .max(64),
      }),
    )
    .max(64)
    .optional()
    .describe('Every one of these fields of the data must hold one of its values.'),
});

export const nameShape = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/)
  .describe('Name of the subscription, among your own.');

export const recordedShape = z.object({
  offset: z.number(),
  recorded_at: z.string(),
  event: z.looseObject({ id: z.string(), source: z.string(), type: z.string() }),
});

export const subscriptionShape = z.object({
  name: z.string(),
  filter: z.looseObject({}),
  order: z.string(),
  ack_wait_ms: z.number(),
  max_deliveries: z.number(),
  max_in_flight: z.number(),
  created_at: z.string(),
  webhook: z.object({ url: z.string(), status: z.string(), reason: z.string().optional() }).optional(),
});

export function filterOf(filter: z.infer<typeof filterShape> | undefined): EventFilter {
  const { types, sources, subjects, data } = filter ?? {};
  return {
    ...(types && { types }),
    ...(sources && { sources }),
    ...(subjects && { subjects }),
    ...(data && { data: data.map(({ pointer, one_of }) => ({ pointer, oneOf: one_of })) }),
  };
}

export function showRecorded({ offset, recordedAt, event }: RecordedEvent): z.infer<typeof recordedShape> {
  return { offset, recorded_at: new Date(recordedAt).toISOString(), event };
}

/** A subscription as its owner sees it: without the secrets. */
export function showSubscription({
  name,
  filter,
  order,
  ackWaitMs,
  maxDeliveries,
  maxInFlight,
  createdAt,
  webhook,
}: Subscription): z.infer<typeof subscriptionShape> {
  const { data, ...lists } = filter;
  return {
    name,
    filter: { ...lists, ...(data && { data: data.map(({ pointer, oneOf }) => ({ pointer, one_of: oneOf })) }) },
    order,
    ack_wait_ms: ackWaitMs,
    max_deliveries: maxDeliveries,
    max_in_flight: maxInFlight,
    created_at: createdAt,
    ...(webhook && { webhook: { url: webhook.url, status: webhook.status, ...(webhook.reason !== undefined && { reason: webhook.reason }) } }),
  };
}

/** How far it has come. */
export function showProgress({ next, pending, failingSince, lastFailure, lost, lostAt }: Progress, head: number, deadLetters: number) {
  return {
    next_offset: next,
    unread: Math.max(0, head - next + 1),
    in_flight: pending.filter(({ isOut }) => isOut).length,
    waiting: pending.filter(({ isOut }) => !isOut).length,
    dead_letters: deadLetters,
    ...(failingSince !== undefined && { failing_since: new Date(failingSince).toISOString() }),
    ...(lastFailure !== undefined && { last_failure: lastFailure }),
    ...(lost !== undefined && { lost_events: lost }),
    ...(lostAt !== undefined && { lost_at: new Date(lostAt).toISOString() }),
  };
}
