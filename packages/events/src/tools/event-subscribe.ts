import { type AnyTool, defineTool, InvalidInputError } from '@meshwork/core';
import { z } from 'zod';
import type { SubscriptionRequest, Subscriptions } from '../subscriptions.ts';
import { filterOf, filterShape, nameShape, recordedShape, showRecorded, showSubscription, subscriptionShape } from './shapes.ts';

const actions = ['save', 'list', 'take', 'acknowledge', 'release', 'remove', 'rotate_secret', 'resume'] as const;

const input = z.strictObject({
  action: z
    .enum(actions)
    .describe(
      'save: make one, or change its filter, rules or URL. list: yours. take: events that are due; acknowledge each, or it comes again. release: give events back. remove. rotate_secret, resume: of a webhook.',
    ),
  name: nameShape.optional(),
  filter: filterShape.optional().describe('save: which events. Default all you may see.'),
  webhook_url: z.string().max(2_048).optional().describe('save: events are sent there, signed as Standard Webhooks asks, and not taken.'),
  from_offset: z.int().min(1).optional().describe('save, a new one: begin at this offset. Default: with what comes from now on.'),
  from_time: z.iso.datetime().optional().describe('save, a new one: begin with what was recorded at this time or later (ISO 8601, UTC).'),
  order: z.enum(['source', 'none']).optional().describe('save: source (default) keeps the order of each source; none hands out each event by itself.'),
  ack_wait_ms: z.int().min(1).max(86_400_000).optional().describe('save: milliseconds until an event that was not acknowledged comes again. Default 30000.'),
  max_deliveries: z.int().min(1).max(100).optional().describe('save: how often an event comes before it is a dead letter. Default 5.'),
  max_in_flight: z.int().min(1).max(256).optional().describe('save: how many events may be out at once. Default 64.'),
  owner: z.string().min(1).max(300).optional().describe('list, remove, for admins: whose, as agent:ana or user:root.'),
  limit: z.int().min(1).max(256).optional().describe('take: at most so many. Default 32.'),
  offsets: z.array(z.int().min(1)).min(1).max(256).optional().describe('acknowledge, release: the offsets of the events.'),
  delay_ms: z.int().min(0).max(86_400_000).optional().describe('release: milliseconds until they may come again. Default 0.'),
});

const output = z.object({
  subscription: subscriptionShape.optional(),
  subscriptions: z.array(subscriptionShape).optional(),
  events: z.array(recordedShape.extend({ delivery: z.number(), due_at: z.string() })).optional(),
  has_more: z.boolean().optional().describe('A part of the log was looked at: take again, also when nothing came.'),
  settled: z.number().optional().describe('How many of the offsets were out or waiting.'),
  removed: z.boolean().optional(),
  secret: z.string().optional().describe('Of the webhook; shown only here.'),
});

type Input = z.infer<typeof input>;

/** The tool with which callers make durable subscriptions and webhooks, and take and acknowledge events. */
export function createEventSubscribe({ subscriptions }: { readonly subscriptions: Subscriptions }): AnyTool {
  return defineTool({
    name: 'event_subscribe',
    title: 'Subscribe to events',
    description: 'Durable subscriptions of yours: every event that fits comes at least once, also across restarts, until you acknowledge it.',
    category: 'events',
    effect: 'write',
    annotations: { destructiveHint: false },
    input,
    output,
    run: async (args, { principal }): Promise<z.infer<typeof output>> => {
      const { action } = args;
      if (action === 'list') return { subscriptions: (await subscriptions.list(principal, args.owner)).map(showSubscription) };
      const name = needed(args, 'name');
      switch (action) {
        case 'save': {
          const { subscription, secret } = await subscriptions.save(principal, requestOf(args, name));
          return { subscription: showSubscription(subscription), ...(secret !== undefined && { secret }) };
        }
        case 'take': {
          const { deliveries, hasMore } = await subscriptions.take(principal, name, args.limit ?? 32);
          const shown = deliveries.map((each) => ({ ...showRecorded(each), delivery: each.delivery, due_at: new Date(each.dueAt).toISOString() }));
          return { events: shown, ...(hasMore && { has_more: true }) };
        }
        case 'acknowledge':
          return { settled: await subscriptions.settle(principal, name, { acknowledged: needed(args, 'offsets') }) };
        case 'release': {
          const released = needed(args, 'offsets').map((offset) => ({ offset, delayMs: args.delay_ms ?? 0 }));
          return { settled: await subscriptions.settle(principal, name, { released }) };
        }
        case 'remove':
          return { removed: await subscriptions.remove(principal, name, args.owner) };
        case 'rotate_secret':
          return { secret: await subscriptions.rotateSecret(principal, name) };
        case 'resume':
          return { subscription: showSubscription(await subscriptions.resume(principal, name)) };
      }
    },
  });
}

function requestOf(args: Input, name: string): SubscriptionRequest {
  return {
    name,
    ...(args.filter !== undefined && { filter: filterOf(args.filter) }),
    ...(args.webhook_url !== undefined && { webhookUrl: args.webhook_url }),
    ...(args.from_offset !== undefined && { fromOffset: args.from_offset }),
    ...(args.from_time !== undefined && { fromTime: Date.parse(args.from_time) }),
    ...(args.order !== undefined && { order: args.order }),
    ...(args.ack_wait_ms !== undefined && { ackWaitMs: args.ack_wait_ms }),
    ...(args.max_deliveries !== undefined && { maxDeliveries: args.max_deliveries }),
    ...(args.max_in_flight !== undefined && { maxInFlight: args.max_in_flight }),
  };
}

function needed<Name extends 'name' | 'offsets'>(args: Input, name: Name): NonNullable<Input[Name]> {
  const value = args[name];
  if (value === undefined || value === null) throw new InvalidInputError(`the action ${args.action} needs ${name}`);
  return value as NonNullable<Input[Name]>;
}
