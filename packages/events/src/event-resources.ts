import { defineResource, type Principal, type Resource } from '@meshwork/core';
import type { EventPage, EventQuery } from './search.ts';
import type { Subscription } from './subscription.ts';
import type { Subscriptions } from './subscriptions.ts';
import { showProgress, showRecorded, showSubscription } from './tools/shapes.ts';
import { type Viewer, viewerOf } from './visibility.ts';

export interface EventResourceParts {
  readonly subscriptions: Subscriptions;
  readonly search: (viewer: Viewer, query: EventQuery) => Promise<EventPage>;
  readonly head: () => Promise<number>;
  readonly deadLettersOf: (subscription: Subscription) => Promise<number>;
}

export const RECENT = 'events://recent';

/** Its URI, to be read and listened to. */
export function uriOf(name: string): string {
  return `events://subscription/${encodeURIComponent(name)}`;
}

/** What has happened, and how the caller's subscriptions are. Whoever listens to them is told when there is something new. */
export function createEventResources({ subscriptions, search, head, deadLettersOf }: EventResourceParts): Resource[] {
  return [
    defineResource({
      uri: RECENT,
      name: 'Recent events',
      description: 'The newest 100 events that you may see, newest first.',
      mimeType: 'application/json',
      read: async (_request, { principal }) => ({ json: { events: (await search(viewerOf(principal), {})).events.map(showRecorded) } }),
    }),
    defineResource({
      uri: 'events://subscription/{name}',
      name: 'Event subscription',
      description: 'A durable subscription of yours and how far it has come. Listen to it, and take the events when it changes (event_subscribe).',
      mimeType: 'application/json',
      read: async ({ variables }, { principal }) => ({ json: await statusOf(principal, variables.name ?? '') }),
    }),
  ];

  async function statusOf(principal: Principal, name: string) {
    const { subscription, progress } = await subscriptions.get(principal, name);
    return { ...showSubscription(subscription), ...showProgress(progress, await head(), await deadLettersOf(subscription)) };
  }
}
