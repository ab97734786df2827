import { type AnyTool, defineTool } from '@meshwork/core';
import { z } from 'zod';
import type { BoardDoor } from '../board-door.ts';
import { boardShape, entryShape, keyShape, showEntry, timeoutShape, waitingOf } from './shapes.ts';

/** The tool that shows what a key was before. */
export function createBlackboardHistory({ door }: { readonly door: BoardDoor }): AnyTool {
  return defineTool({
    name: 'blackboard_history',
    title: "A key's history",
    description: 'Lists the latest changes of a key that this hub has seen, newest first, as far back as it keeps them.',
    category: 'blackboard',
    effect: 'read',
    input: z.strictObject({
      board: boardShape,
      key: keyShape,
      limit: z.int().min(1).max(1_000).default(20).describe('At most so many. Default 20.'),
      timeout_ms: timeoutShape,
    }),
    output: z.object({ entries: z.array(entryShape) }),
    async run({ board, key, limit, timeout_ms }, context) {
      const opened = door.open(context, { board, key, actions: ['read'] });
      return { entries: (await opened.history(key, { ...waitingOf(context, timeout_ms), limit })).map(showEntry) };
    },
  });
}
