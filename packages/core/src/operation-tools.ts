import { z } from 'zod';
import type { JsonObject } from './json.ts';
import type { Operation } from './operation.ts';
import type { Operations } from './operations.ts';
import { type AnyTool, defineTool } from './tool.ts';

const status = z.enum(['working', 'input_required', 'completed', 'failed', 'cancelled']);

const operationShape = z.object({
  id: z.string(),
  name: z.string().describe('What it is for, such as the tool that started it'),
  status,
  createdAt: z.string().describe('ISO 8601'),
  updatedAt: z.string().describe('ISO 8601'),
  ttlMs: z.number().describe('Milliseconds for which it is kept once it has ended'),
  message: z.string().optional(),
  progress: z.object({ progress: z.number(), total: z.number().optional(), message: z.string().optional() }).optional(),
  requests: z.record(z.string(), z.unknown()).optional().describe('What it waits for, while input_required'),
  result: z.record(z.string(), z.unknown()).optional().describe('What it ended with, once completed'),
  failure: z.object({ code: z.string(), message: z.string() }).optional().describe('Why it ended, once failed'),
});

const byId = z.strictObject({ id: z.string().min(1).max(100).describe('The operation, as the call that started it answered') });

/** Long work as tools: so that looking at it, answering and cancelling pass every stage of the hub. Everybody has only what is their own. */
export function operationTools(operations: Operations): readonly AnyTool[] {
  const about = { category: 'operation', output: operationShape } as const;
  return [
    defineTool({
      ...about,
      name: 'operation_get',
      title: 'Look at an operation',
      description: 'Tells what has become of long work: its status, its progress, what it waits for, its result or why it failed.',
      effect: 'read',
      input: byId,
      run: async ({ id }, { principal }) => shown(await operations.get(id, principal)),
    }),
    defineTool({
      name: 'operation_list',
      title: 'List operations',
      description: 'Lists your own operations, the newest first, without their results.',
      category: 'operation',
      effect: 'read',
      input: z.strictObject({
        status: status.optional().describe('Only those of this status'),
        limit: z.number().int().min(1).max(500).default(50).describe('How many at most'),
      }),
      output: z.object({ operations: z.array(operationShape.omit({ result: true, requests: true })), total: z.number() }),
      run: async ({ status: wanted, limit }, { principal }) => {
        const own = await operations.list(principal, wanted === undefined ? {} : { status: wanted });
        return { operations: own.slice(0, limit).map(({ result: _result, requests: _requests, ...rest }) => shown(rest)), total: own.length };
      },
    }),
    defineTool({
      ...about,
      name: 'operation_answer',
      title: 'Answer an operation',
      description: 'Answers all or some of what long work of yours waits for, by the keys of its requests. Answers to anything else are ignored.',
      effect: 'write',
      input: byId.extend({ responses: z.record(z.string(), z.unknown()).describe('The answers, by the keys of the requests') }),
      run: async ({ id, responses }, { principal }) => shown(await operations.answer(id, principal, responses)),
    }),
    defineTool({
      ...about,
      name: 'operation_cancel',
      title: 'Cancel an operation',
      description: 'Cancels long work of yours. What has ended stays as it ended.',
      effect: 'write',
      input: byId,
      run: async ({ id }, { principal }) => shown(await operations.cancel(id, principal)),
    }),
  ];
}

/** Without what is of use to hubs only. */
function shown({ owner: _owner, hub: _hub, responses: _responses, requests, result, ...rest }: Operation) {
  return { ...rest, ...(requests !== undefined && { requests }), ...(result !== undefined && { result: result as unknown as JsonObject }) };
}
