import { type AnyTool, defineTool, InvalidInputError, type JsonValue } from '@meshwork/core';
import { z } from 'zod';
import type { Board, CreateOptions } from '../board.ts';
import type { BoardDoor } from '../board-door.ts';
import type { Entry } from '../entry.ts';
import { boardShape, entryShape, keyShape, sessionOf, showEntry, timeoutShape, tokenAnswer, tokenOf, tokenShape, waitingOf } from './shapes.ts';

const input = z.strictObject({
  board: boardShape,
  key: keyShape,
  op: z
    .enum(['set', 'increment', 'add', 'remove'])
    .default('set')
    .describe('set: the value, in place of what is there. increment: a counter; concurrent increments add up. add, remove: an element of a set. Default set.'),
  value: z.unknown().optional().describe('set: any JSON value. add, remove: the element.'),
  by: z.int().optional().describe('increment: by how much, less than 0 to go down. Default 1.'),
  expected: z
    .string()
    .max(4_096)
    .nullable()
    .optional()
    .describe('set, of keys of level strong: write only if the key is at this version of an entry; null: only if it is absent. Otherwise CONFLICT.'),
  level: z
    .enum(['eventual', 'strong'])
    .optional()
    .describe(
      'For a new key, where the board lets writers choose; fixed for good. strong: one value for all hubs, compared and set; fails when they cannot agree. eventual: always writable, merges later. Default: strong with expected, otherwise eventual. CONFLICT when the key has the other one.',
    ),
  ttl_ms: z.int().min(1).optional().describe("Milliseconds until the key reads as absent. Default: the board's rule, or never."),
  token: tokenShape,
  timeout_ms: timeoutShape,
});

type Input = z.infer<typeof input>;

/** The tool that writes one key. Who wrote is the caller as the hub knows it, never an argument. */
export function createBlackboardWrite({ door }: { readonly door: BoardDoor }): AnyTool {
  return defineTool({
    name: 'blackboard_write',
    title: 'Write to the board',
    description:
      'Writes what agents share under a key. It is kept when this answers, and reaches the other hubs by itself. Of writes at the same time none is lost: see conflicts.',
    category: 'blackboard',
    effect: 'write',
    annotations: { destructiveHint: true, idempotentHint: false },
    input,
    output: z.object({
      entry: entryShape.optional().describe('As it is now. Absent where you may not read it.'),
      removed: z.boolean().optional().describe('remove: whether the element was there. Absent where you may not read the key.'),
      token: tokenAnswer,
    }),
    async run(args, context) {
      const { board, key, expected, token, timeout_ms } = args;
      refuseMisplaced(args);
      // Whether a version or a level is that of the key is something about what is there.
      const isAsked = expected !== undefined || args.level !== undefined;
      const opened = door.open(context, { board, key, actions: isAsked ? ['write', 'read'] : ['write'] });
      const seen = sessionOf(opened, token);
      const options = { ...waitingOf(context, timeout_ms), writer: context.principal.id, ...choicesOf(args) };
      const written = await write(seen, args, options);
      const shown = door.mayRead(context.principal, opened.name, key) ? show(written) : {};
      return { ...shown, ...tokenOf(seen) };
    },
  });
}

function show(written: Entry | boolean) {
  return typeof written === 'boolean' ? { removed: written } : { entry: showEntry(written) };
}

function choicesOf({ level, ttl_ms }: Input): Pick<CreateOptions, 'level' | 'ttlMs'> {
  return { ...(level !== undefined && { level }), ...(ttl_ms !== undefined && { ttlMs: ttl_ms }) };
}

function write(board: Board, { key, op, value, by, expected }: Input, options: CreateOptions): Promise<Entry | boolean> {
  switch (op) {
    case 'set':
      return expected === undefined
        ? board.set(key, value as JsonValue, options)
        : board.compareAndSet(key, expected ?? undefined, value as JsonValue, options);
    case 'increment':
      return board.increment(key, by ?? 1, options);
    case 'add':
      return board.add(key, value as JsonValue, options);
    case 'remove':
      return board.remove(key, value as JsonValue, options);
  }
}

function refuseMisplaced({ op, value, by, expected, level }: Input): void {
  if (op === 'increment' ? value !== undefined : value === undefined)
    throw new InvalidInputError(op === 'increment' ? 'increment takes by, and no value' : `${op} needs a value; to delete the key use blackboard_delete`);
  if (op !== 'increment' && by !== undefined) throw new InvalidInputError(`by is for increment, not for ${op}`);
  if (op === 'remove' && level !== undefined) throw new InvalidInputError('level is for what makes a key; remove makes none');
  if (op !== 'set' && expected !== undefined) throw new InvalidInputError(`expected is for set, not for ${op}`);
}
