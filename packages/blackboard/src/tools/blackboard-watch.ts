import { type AnyTool, defineTool } from '@meshwork/core';
import { z } from 'zod';
import type { BoardDoor } from '../board-door.ts';
import type { BoardNews, NewsPage } from '../board-news.ts';
import { boardShape, entryShape, prefixShape, showEntry } from './shapes.ts';

/** Milliseconds after which a caller that waits is told that it still does. */
const PROGRESS_MS = 5_000;

/** The tool that waits for changes. */
export function createBlackboardWatch({ door, news }: { readonly door: BoardDoor; readonly news: () => BoardNews }): AnyTool {
  return defineTool({
    name: 'blackboard_watch',
    title: 'Watch the board',
    description:
      'Waits for changes after a cursor, and answers with them, oldest first, of each key the last; with none when the wait is over. Call again with the cursor of the answer. Without a cursor it begins now.',
    category: 'blackboard',
    effect: 'read',
    input: z.strictObject({
      board: boardShape,
      prefix: prefixShape,
      cursor: z.string().max(256).optional().describe('Of blackboard_list, or of the answer before.'),
      wait_ms: z.int().min(0).max(55_000).default(20_000).describe('Milliseconds to wait when nothing has changed yet; 0: not at all. Default 20000.'),
      limit: z.int().min(1).max(1_000).default(100).describe('At most so many changes. Default 100.'),
    }),
    output: z.object({
      changes: z.array(z.object({ key: z.string(), entry: entryShape.optional().describe('As it is now; absent when nothing is known of the key any more.') })),
      cursor: z.string(),
      reset: z.boolean().optional().describe('Changes may have been missed: list again, and go on with this cursor.'),
    }),
    async run({ board, prefix, cursor, wait_ms, limit }, context) {
      const { principal, signal } = context;
      const name = door.nameOf(board);
      door.open(context, { board, key: prefix, actions: [] });
      const fits = (key: string) => key.startsWith(prefix) && door.mayRead(principal, name, key);
      let from = cursor ?? news().cursor(name);
      for (let waited = 0; ; ) {
        const wait = Math.min(PROGRESS_MS, wait_ms - waited);
        const page = await news().next(name, { cursor: from, limit, fits, signal: AbortSignal.any([signal, AbortSignal.timeout(wait)]) });
        signal.throwIfAborted();
        waited += wait;
        if (page.changes.length > 0 || page.isReset || waited >= wait_ms) return show(page);
        from = page.cursor;
        await context.progress({ progress: waited, total: wait_ms, message: 'nothing has changed yet' });
      }
    },
  });
}

function show({ changes, cursor, isReset }: NewsPage) {
  const shown = changes.map(({ key, after }) => ({ key, ...(after !== undefined && { entry: showEntry(after) }) }));
  return { changes: shown, cursor, ...(isReset && { reset: true }) };
}
