import { type AnyTool, defineTool } from '@meshwork/core';
import { z } from 'zod';
import type { EventPage, EventQuery } from '../search.ts';
import { type Viewer, viewerOf } from '../visibility.ts';
import { filterOf, filterShape, recordedShape, showRecorded } from './shapes.ts';

export interface EventQueryParts {
  readonly search: (viewer: Viewer, query: EventQuery) => Promise<EventPage>;
}

export function createEventQuery({ search }: EventQueryParts): AnyTool {
  return defineTool({
    name: 'event_query',
    title: 'Look for events',
    description:
      'Lists the recorded events that you may see and that fit, newest first unless you say otherwise. Go on with cursor = next_cursor until it is absent.',
    category: 'events',
    effect: 'read',
    input: z.strictObject({
      filter: filterShape.optional(),
      since: z.iso.datetime().optional().describe('Recorded at this time or later (ISO 8601, UTC).'),
      until: z.iso.datetime().optional().describe('Recorded before this time (ISO 8601, UTC).'),
      order: z.enum(['newest', 'oldest']).optional().describe('Default newest.'),
      cursor: cursorShape.optional(),
      limit: z.int().min(1).max(1_000).optional().describe('At most so many. Default 100.'),
    }),
    output: pageShape,
    run: async ({ filter, since, until, order, cursor, limit }, { principal }) => {
      const page = await search(viewerOf(principal), {
        filter: filterOf(filter),
        ...(since !== undefined && { since: Date.parse(since) }),
        ...(until !== undefined && { until: Date.parse(until) }),
        ...(order !== undefined && { order }),
        ...(cursor !== undefined && { from: Number(cursor) }),
        ...(limit !== undefined && { limit }),
      });
      return showPage(page);
    },
  });
}

export const cursorShape = z
  .string()
  .regex(/^[1-9]\d{0,14}$/)
  .describe('next_cursor of the page before.');

export const pageShape = z.object({
  events: z.array(recordedShape),
  next_cursor: z.string().optional().describe('There may be more; a page can be short, or empty, before the last one.'),
});

export function showPage({ events, next }: EventPage): z.infer<typeof pageShape> {
  return { events: events.map(showRecorded), ...(next !== undefined && { next_cursor: String(next) }) };
}
