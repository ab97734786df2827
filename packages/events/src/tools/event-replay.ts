import { type AnyTool, defineTool, InvalidInputError, type Principal } from '@meshwork/core';
import { z } from 'zod';
import type { EventPage, EventQuery } from '../search.ts';
import type { Subscriptions } from '../subscriptions.ts';
import { type Viewer, viewerOf } from '../visibility.ts';
import { cursorShape, pageShape, showPage } from './event-query.ts';
import { filterOf, filterShape, nameShape } from './shapes.ts';

export interface EventReplayParts {
  readonly subscriptions: Subscriptions;
  readonly search: (viewer: Viewer, query: EventQuery) => Promise<EventPage>;
  /** A page of the dead letters of a subscription, oldest first. */
  readonly deadLetters: (principal: Principal, name: string, from: number, limit: number) => Promise<EventPage>;
}

const input = z.strictObject({
  from_offset: z.int().min(1).optional().describe('From this offset on.'),
  from_time: z.iso.datetime().optional().describe('From what was recorded at this time on (ISO 8601, UTC).'),
  filter: filterShape.optional().describe('Without `to`: only events that fit.'),
  to: nameShape.optional().describe('A subscription of yours that gets them again, in place of a page of them here.'),
  dead_letters_of: nameShape.optional().describe('The dead letters of this subscription of yours: a page of them, or with `to` = the same name, again to it.'),
  cursor: cursorShape.optional(),
  limit: z.int().min(1).max(1_000).optional().describe('Without `to`: at most so many. Default 100.'),
});

/** The tool that gives events again, in the order in which they happened. */
export function createEventReplay({ subscriptions, search, deadLetters }: EventReplayParts): AnyTool {
  return defineTool({
    name: 'event_replay',
    title: 'Replay events',
    description: 'Gives events again from an offset or a time on, oldest first: as a page, or to a durable subscription, which then goes on from there.',
    category: 'events',
    effect: 'write',
    annotations: { destructiveHint: false },
    input,
    output: pageShape.partial().extend({
      replayed: z.number().optional().describe('Dead letters that are delivered again.'),
      left: z.number().optional().describe('Dead letters for which there was no room; replay again once these are acknowledged.'),
      subscription: z.string().optional().describe('The subscription that gets them.'),
    }),
    run: async ({ from_offset, from_time, filter, to, dead_letters_of, cursor, limit = 100 }, { principal }) => {
      if (dead_letters_of !== undefined) {
        if (to === undefined) return showPage(await deadLetters(principal, dead_letters_of, Number(cursor ?? 1), limit));
        if (to !== dead_letters_of) throw new InvalidInputError('dead letters go back to the subscription they are of; name it in both');
        return { subscription: to, ...(await subscriptions.replayDead(principal, to)) };
      }
      if ((from_offset === undefined) === (from_time === undefined)) throw new InvalidInputError('say either from_offset or from_time');
      const fromTime = from_time === undefined ? undefined : Date.parse(from_time);
      if (to !== undefined) {
        if (filter !== undefined) throw new InvalidInputError('a subscription has its own filter; leave filter out');
        await subscriptions.replay(principal, to, {
          ...(from_offset !== undefined && { fromOffset: from_offset }),
          ...(fromTime !== undefined && { fromTime }),
        });
        return { subscription: to };
      }
      const from = cursor === undefined ? from_offset : Number(cursor);
      const start = { ...(from !== undefined && { from }), ...(fromTime !== undefined && { since: fromTime }) };
      return showPage(await search(viewerOf(principal), { ...start, filter: filterOf(filter), order: 'oldest', limit }));
    },
  });
}
