import { type AnyTool, defineTool, type JsonValue } from '@meshwork/core';
import { z } from 'zod';
import type { BoardDoor } from '../board-door.ts';
import { boardShape, entryShape, keyShape, sessionOf, showEntry, timeoutShape, tokenAnswer, tokenOf, tokenShape, waitingOf } from './shapes.ts';

/** The tool that ends a conflict. */
export function createBlackboardResolve({ door }: { readonly door: BoardDoor }): AnyTool {
  return defineTool({
    name: 'blackboard_resolve',
    title: 'Resolve a conflict',
    description: 'Writes one value in place of all that blackboard_conflicts shows of a key.',
    category: 'blackboard',
    effect: 'write',
    annotations: { destructiveHint: true, idempotentHint: true },
    input: z.strictObject({
      board: boardShape,
      key: keyShape,
      value: z.unknown().describe('Any JSON value: one of them, or what they make together.'),
      token: tokenShape,
      timeout_ms: timeoutShape,
    }),
    output: z.object({ entry: entryShape, token: tokenAnswer }),
    async run({ board, key, value, token, timeout_ms }, context) {
      const seen = sessionOf(door.open(context, { board, key, actions: ['write', 'read'] }), token);
      const entry = await seen.resolve(key, value as JsonValue, { ...waitingOf(context, timeout_ms), writer: context.principal.id });
      return { entry: showEntry(entry), ...tokenOf(seen) };
    },
  });
}
