import { type AnyTool, defineTool } from '@meshwork/core';
import { z } from 'zod';
import type { BoardDoor } from '../board-door.ts';
import { boardShape, entryShape, keyShape, sessionOf, showEntry, timeoutShape, tokenAnswer, tokenOf, tokenShape, waitingOf } from './shapes.ts';

/** The tool that reads one key. */
export function createBlackboardRead({ door }: { readonly door: BoardDoor }): AnyTool {
  return defineTool({
    name: 'blackboard_read',
    title: 'Read from the board',
    description: 'Reads what agents share under a key: its value, who wrote it and when, and whether others wrote it at the same time.',
    category: 'blackboard',
    effect: 'read',
    input: z.strictObject({ board: boardShape, key: keyShape, token: tokenShape, timeout_ms: timeoutShape }),
    output: z.object({ found: z.boolean(), entry: entryShape.optional(), token: tokenAnswer }),
    async run({ board, key, token, timeout_ms }, context) {
      const seen = sessionOf(door.open(context, { board, key, actions: ['read'] }), token);
      const entry = await seen.get(key, waitingOf(context, timeout_ms));
      return { found: entry !== undefined, ...(entry !== undefined && { entry: showEntry(entry) }), ...tokenOf(seen) };
    },
  });
}
