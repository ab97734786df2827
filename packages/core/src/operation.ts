import type { Progress } from './call.ts';
import type { Principal } from './principal.ts';
import type { CallResult, InputRequest } from './result.ts';

/** What long work is doing. The names are those of the Tasks extension (MCP SEP-2663). */
export type OperationStatus = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';

/** Long work, as it is kept. Times are ISO 8601. */
export interface Operation {
  readonly id: string;
  /** Whose it is, in the form of `ownerOf`; nobody else sees it. */
  readonly owner: string;
  /** The hub that works on it, by the name its `Operations` have. */
  readonly hub: string;
  /** What it is for, such as a tool's name. */
  readonly name: string;
  readonly status: OperationStatus;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Milliseconds after its last change for which it is kept once it has ended. */
  readonly ttlMs: number;
  readonly message?: string;
  readonly progress?: Progress;
  /** What it waits for, while `input_required`. No key stands for two questions in the life of one operation. */
  readonly requests?: Readonly<Record<string, InputRequest>>;
  /** What the owner has answered of the last questions, until the work asks again or ends. */
  readonly responses?: Readonly<Record<string, unknown>>;
  /** What it ended with, once `completed`. */
  readonly result?: CallResult;
  /** Why it ended, once `failed`. */
  readonly failure?: { readonly code: string; readonly message: string };
}

/** What can happen to an operation. */
export type OperationEvent =
  | { readonly type: 'progressed'; readonly progress: Progress; readonly message?: string }
  | { readonly type: 'asked'; readonly requests: Readonly<Record<string, InputRequest>> }
  | { readonly type: 'answered'; readonly responses: Readonly<Record<string, unknown>> }
  | { readonly type: 'completed'; readonly result: CallResult }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'cancelled'; readonly message?: string };

/** A principal as the owner of operations. Ids are unique among principals of one kind only. */
export function ownerOf({ kind, id }: Principal): string {
  return `${kind}:${id}`;
}

/** True when nothing can happen to it any more. */
export function hasEnded({ status }: Operation): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/**
 * Pure: the operation after an event, or `undefined` when the event cannot happen to it. What has ended stays as it ended. Answers to what
 * was not asked are left out; with some questions still open it goes on waiting for those.
 */
export function transition(operation: Operation, event: OperationEvent, now: number): Operation | undefined {
  if (hasEnded(operation)) return undefined;
  const { requests = {}, responses, ...rest } = operation;
  const next = { ...rest, updatedAt: new Date(now).toISOString() };
  switch (event.type) {
    case 'progressed': {
      if (operation.status !== 'working') return undefined;
      const { progress, message } = event;
      return { ...next, progress, ...(responses !== undefined && { responses }), ...(message !== undefined && { message }) };
    }
    case 'asked':
      return operation.status === 'working' ? { ...next, status: 'input_required', requests: event.requests } : undefined;
    case 'answered': {
      const given = Object.entries(event.responses).filter(([key]) => Object.hasOwn(requests, key));
      if (operation.status !== 'input_required' || given.length === 0) return undefined;
      const all = { ...responses, ...Object.fromEntries(given) };
      const open = Object.fromEntries(Object.entries(requests).filter(([key]) => !Object.hasOwn(all, key)));
      return Object.keys(open).length === 0 ? { ...next, status: 'working', responses: all } : { ...next, requests: open, responses: all };
    }
    case 'completed':
      return { ...next, status: 'completed', result: event.result };
    case 'failed':
      return { ...next, status: 'failed', failure: { code: event.code, message: event.message } };
    case 'cancelled':
      return { ...next, status: 'cancelled', ...(event.message !== undefined && { message: event.message }) };
  }
}
