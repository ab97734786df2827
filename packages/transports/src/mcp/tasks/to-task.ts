import type { CallResult, Operation } from '@meshwork/core';
import { protocolCodeOf } from '../to-protocol-error.ts';

/** How long a client had best wait between two looks, in milliseconds. */
const POLL_INTERVAL_MS = 1_000;

/** What of an operation its owner is shown. */
export type ShownOperation = Omit<Operation, 'owner' | 'hub' | 'responses'>;

/** An operation as the `Task` of SEP-2663: what a call that started one answers. */
export function toTask({ id, status, createdAt, updatedAt, ttlMs, message, progress, failure }: ShownOperation): Record<string, unknown> {
  const statusMessage = failure?.message ?? message ?? describeProgress(progress);
  const hasEnded = status === 'completed' || status === 'failed' || status === 'cancelled';
  return {
    taskId: id,
    status,
    ...(statusMessage !== undefined && { statusMessage }),
    createdAt,
    lastUpdatedAt: updatedAt,
    // Ours counts from the end of the work, the extension's from its beginning; how long the work takes nobody knows.
    ttlMs: hasEnded ? Date.parse(updatedAt) - Date.parse(createdAt) + ttlMs : null,
    pollIntervalMs: POLL_INTERVAL_MS,
  };
}

/** An operation as the `DetailedTask` of SEP-2663: with its questions, its result, or the error it ended with. */
export function toDetailedTask(operation: ShownOperation): Record<string, unknown> {
  const { status, requests = {}, result, failure } = operation;
  const task = toTask(operation);
  switch (status) {
    case 'input_required': {
      const inputRequests = Object.fromEntries(Object.entries(requests).map(([key, { method, params }]) => [key, { method, params: params ?? {} }]));
      return { ...task, inputRequests };
    }
    case 'completed':
      return { ...task, result: resultOf(result) };
    case 'failed': {
      const { code = 'INTERNAL', message = 'the work failed' } = failure ?? {};
      return { ...task, error: { code: protocolCodeOf(code), message, data: { code } } };
    }
    default:
      return task;
  }
}

function resultOf(result: CallResult | undefined): object {
  const { kind: _, ...answer } = result ?? { kind: 'tool', content: [] };
  return { resultType: 'complete', ...answer };
}

function describeProgress(progress: Operation['progress']): string | undefined {
  if (progress === undefined) return undefined;
  const { progress: done, total } = progress;
  return total === undefined ? `${done} done` : `${done} of ${total} done`;
}
