import { type AnyTool, defineTool } from '@meshwork/core';
import { z } from 'zod';
import type { BoardDoor } from '../board-door.ts';
import type { BoardNews } from '../board-news.ts';
import { visiblePage } from '../visible-page.ts';
import { boardShape, entryShape, prefixShape, sessionOf, showEntry, timeoutShape, tokenAnswer, tokenOf, tokenShape, waitingOf } from './shapes.ts';

/** Characters of a page. */
const LONGEST_PAGE = 500_000;

/** The tool that lists keys with what they hold. */
export function createBlackboardList({ door, news }: { readonly door: BoardDoor; readonly news: () => BoardNews }): AnyTool {
  return defineTool({
    name: 'blackboard_list',
    title: 'List the board',
    description:
      'Lists the entries that you may read, in the order of their keys. Go on with after = next_after until it is absent; then blackboard_watch tells what has changed since cursor.',
    category: 'blackboard',
    effect: 'read',
    input: z.strictObject({
      board: boardShape,
      prefix: prefixShape,
      after: z.string().max(4_096).optional().describe('Only keys after this one: next_after of the page before.'),
      limit: z.int().min(1).max(1_000).default(100).describe('At most so many. Default 100. Large values make pages shorter.'),
      token: tokenShape,
      timeout_ms: timeoutShape,
    }),
    output: z.object({
      entries: z.array(entryShape),
      next_after: z.string().optional().describe('There are more.'),
      cursor: z.string().describe('For blackboard_watch: as of before this page was read. Keep that of the first page.'),
      token: tokenAnswer,
    }),
    async run({ board, prefix, after, limit, token, timeout_ms }, context) {
      const name = door.nameOf(board);
      const opened = door.open(context, { board, key: prefix, actions: [] });
      const seen = sessionOf(opened, token);
      const cursor = news().cursor(name);
      const { entries, next } = await visiblePage(seen, prefix, {
        ...waitingOf(context, timeout_ms),
        after,
        limit,
        maxLength: LONGEST_PAGE,
        maySee: (key) => door.mayRead(context.principal, name, key),
      });
      return { entries: entries.map(showEntry), ...(next !== undefined && { next_after: next }), cursor, ...tokenOf(seen) };
    },
  });
}
