import { type AnyTool, defineTool } from '@meshwork/core';
import { z } from 'zod';
import type { BoardDoor } from '../board-door.ts';
import { boardShape, keyShape, sessionOf, timeoutShape, tokenAnswer, tokenOf, tokenShape, waitingOf } from './shapes.ts';

/** The tool that deletes one key. */
export function createBlackboardDelete({ door }: { readonly door: BoardDoor }): AnyTool {
  return defineTool({
    name: 'blackboard_delete',
    title: 'Delete from the board',
    description: 'Deletes a key. Of a deletion and a write at the same time the write stays.',
    category: 'blackboard',
    effect: 'write',
    annotations: { destructiveHint: true, idempotentHint: true },
    input: z.strictObject({ board: boardShape, key: keyShape, token: tokenShape, timeout_ms: timeoutShape }),
    output: z.object({
      deleted: z.boolean().optional().describe('Whether there was something to delete. Absent where you may not read the key.'),
      token: tokenAnswer,
    }),
    async run({ board, key, token, timeout_ms }, context) {
      const opened = door.open(context, { board, key, actions: ['write'] });
      const seen = sessionOf(opened, token);
      const deleted = await seen.delete(key, { ...waitingOf(context, timeout_ms), writer: context.principal.id });
      return { ...(door.mayRead(context.principal, opened.name, key) && { deleted }), ...tokenOf(seen) };
    },
  });
}
