import { type AnyTool, defineTool } from '@meshwork/core';
import { z } from 'zod';
import type { BoardDoor } from '../board-door.ts';
import { boardShape, entryShape, keyShape, showEntry, timeoutShape, waitingOf } from './shapes.ts';

/** The tool that shows concurrent values. */
export function createBlackboardConflicts({ door }: { readonly door: BoardDoor }): AnyTool {
  return defineTool({
    name: 'blackboard_conflicts',
    title: 'Concurrent values of a key',
    description:
      'Lists all values of a key that were written without knowing of each other, the one that is read first; none when there is no conflict. blackboard_resolve ends it, and so does any write.',
    category: 'blackboard',
    effect: 'read',
    input: z.strictObject({ board: boardShape, key: keyShape, timeout_ms: timeoutShape }),
    output: z.object({ entries: z.array(entryShape) }),
    async run({ board, key, timeout_ms }, context) {
      const opened = door.open(context, { board, key, actions: ['read'] });
      return { entries: (await opened.conflicts(key, waitingOf(context, timeout_ms))).map(showEntry) };
    },
  });
}
