import { MeshworkError, type Operations, type Principal } from '@meshwork/core';
import { SUBSCRIPTION_ID_META_KEY } from '@modelcontextprotocol/server';
import { toDetailedTask } from './to-task.ts';

/** Tasks one subscription may follow. */
const MAX_TASKS = 100;

type RequestId = string | number;

/** A `subscriptions/listen` request that asks about tasks (SEP-2663, task status notifications). */
export interface TaskListen {
  readonly id: RequestId;
  readonly taskIds: readonly string[];
  readonly meta: unknown;
}

/** Reads it off a message; `undefined` for every other one. */
export function taskListenIn(message: unknown): TaskListen | undefined {
  const { id, method, params } = (message ?? {}) as { id?: RequestId; method?: unknown; params?: { notifications?: { taskIds?: unknown }; _meta?: unknown } };
  if (method !== 'subscriptions/listen' || (typeof id !== 'string' && typeof id !== 'number')) return undefined;
  const taskIds = params?.notifications?.taskIds;
  if (!Array.isArray(taskIds)) return undefined;
  return { id, taskIds: [...new Set(taskIds.filter((each) => typeof each === 'string'))], meta: params?._meta };
}

/** Those of the tasks that the principal may follow. */
export async function followable(operations: Operations, principal: Principal, { taskIds }: TaskListen): Promise<readonly string[]> {
  const found: string[] = [];
  for (const taskId of taskIds) {
    if (found.length === MAX_TASKS) break;
    try {
      await operations.get(taskId, principal);
      found.push(taskId);
    } catch (error) {
      if (!MeshworkError.isInstance(error) || error.code !== 'NOT_FOUND') throw error;
    }
  }
  return found;
}

export interface TaskNoticesOptions {
  readonly operations: Operations;
  readonly principal: Principal;
  readonly subscription: RequestId;
  readonly taskIds: readonly string[];
  readonly send: (notification: { readonly jsonrpc: '2.0'; readonly method: string; readonly params: Record<string, unknown> }) => void;
  readonly onError: (error: unknown) => void;
}

/** Sends every state of the tasks, the present one first, until each has ended. Returns the way to stop earlier. */
export function sendTaskNotices({ operations, principal, subscription, taskIds, send, onError }: TaskNoticesOptions): () => void {
  const stopping = new AbortController();
  const { signal } = stopping;
  const follow = async (taskId: string) => {
    for await (const operation of operations.watch(taskId, principal, { signal })) {
      if (signal.aborted) return;
      const params = { ...toDetailedTask(operation), _meta: { [SUBSCRIPTION_ID_META_KEY]: subscription } };
      send({ jsonrpc: '2.0', method: 'notifications/tasks', params });
    }
  };
  for (const taskId of taskIds)
    follow(taskId).catch((error) => {
      if (!signal.aborted) onError(error);
    });
  return () => stopping.abort();
}

/** The SDK's acknowledgement, with the tasks in it. */
export function acknowledgeTasks<Message>(message: Message, taskIds: readonly string[]): Message {
  const { params } = message as { params?: { notifications?: object } };
  return { ...message, params: { ...params, notifications: { ...params?.notifications, taskIds } } };
}
