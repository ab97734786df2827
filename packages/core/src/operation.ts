import type { Progress } from './call.ts';
import type { CallResult, InputRequest } from './result.ts';

/** What long work is doing. The names are those of the Tasks extension (MCP SEP-2663). */
export type OperationStatus = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';

/** Long work, as it is kept. Times are ISO 8601. */
export interface Operation {
  readonly id: string;
  /** The id of the principal it belongs to; nobody else sees it. */
  readonly owner: string;
  /** What it is for, such as a tool's name. */
  readonly name: string;
  readonly status: OperationStatus;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Milliseconds after its last change for which it is kept once it has ended. */
  readonly ttlMs: number;
  readonly message?: string;
  readonly progress?: Progress;
  /** What it waits for, while `input_required`. */
  readonly requests?: Readonly<Record<string, InputRequest>>;
  /** What it ended with, once `completed`. */
  readonly result?: CallResult;
  /** Why it ended, once `failed`. */
  readonly failure?: { readonly code: string; readonly message: string };
}

/** What can happen to an operation. */
export type OperationEvent =
  | { readonly type: 'progressed'; readonly progress: Progress; readonly message?: string }
  | { readonly type: 'asked'; readonly requests: Readonly<Record<string, InputRequest>> }
  | { readonly type: 'answered' }
  | { readonly type: 'completed'; readonly result: CallResult }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'cancelled'; readonly message?: string };

/** True when nothing can happen to it any more. */
export function hasEnded({ status }: Operation): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** Pure: the operation after an event, or `undefined` when the event cannot happen to it. What has ended stays as it ended. */
export function transition(operation: Operation, event: OperationEvent, now: number): Operation | undefined {
  if (hasEnded(operation)) return undefined;
  const { requests: _, ...rest } = operation;
  const next = { ...rest, updatedAt: new Date(now).toISOString() };
  switch (event.type) {
    case 'progressed':
      if (operation.status !== 'working') return undefined;
      return { ...next, progress: event.progress, ...(event.message !== undefined && { message: event.message }) };
    case 'asked':
      return operation.status === 'working' ? { ...next, status: 'input_required', requests: event.requests } : undefined;
    case 'answered':
      return operation.status === 'input_required' ? { ...next, status: 'working' } : undefined;
    case 'completed':
      return { ...next, status: 'completed', result: event.result };
    case 'failed':
      return { ...next, status: 'failed', failure: { code: event.code, message: event.message } };
    case 'cancelled':
      return { ...next, status: 'cancelled', ...(event.message !== undefined && { message: event.message }) };
  }
}
