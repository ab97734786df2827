import type { Hub, Principal } from '@meshwork/core';
import { type JSONRPCMessage, SUBSCRIPTION_ID_META_KEY, type Transport } from '@modelcontextprotocol/server';
import { acknowledgeTasks, followable, sendTaskNotices, taskListenIn } from './task-notices.ts';
import { declaresTasks, tasksRequired } from './tasks-extension.ts';

export interface ListenOverStreamOptions {
  /** Who is at the other end, asked for each subscription. */
  readonly principal: () => Principal;
  readonly onError: (error: unknown) => void;
}

/**
 * A connection whose `subscriptions/listen` may ask about tasks. It passes every message on; it adds the tasks to the SDK's acknowledgement
 * and sends their changes from then on.
 */
export function withTaskNotices(hub: Hub, transport: Transport, { principal, onError }: ListenOverStreamOptions): Transport {
  const { operations } = hub;
  if (operations === undefined) return transport;
  /** What was asked and not yet acknowledged, and what is being followed, by the request's id. */
  const asked = new Map<unknown, Promise<readonly string[]>>();
  const followed = new Map<unknown, () => void>();
  const stop = (id: unknown) => {
    asked.delete(id);
    followed.get(id)?.();
    followed.delete(id);
  };

  const wrapped: Transport = {
    start: () => transport.start(),
    close: () => transport.close(),
    async send(message, options) {
      const id = subscriptionOf(message);
      const waiting = id === undefined ? undefined : asked.get(id);
      if (waiting === undefined) {
        if ('id' in message && !('method' in message)) stop(message.id);
        return transport.send(message, options);
      }
      const taskIds = await waiting;
      // Meanwhile it may have been cancelled.
      const isWanted = asked.get(id) === waiting;
      asked.delete(id);
      if (taskIds.length === 0 || !isWanted) return transport.send(message, options);
      await transport.send(acknowledgeTasks(message, taskIds), options);
      const send = (notification: JSONRPCMessage) => void transport.send(notification).catch(onError);
      followed.set(id, sendTaskNotices({ operations, principal: principal(), subscription: id as string | number, taskIds, send, onError }));
    },
  };
  transport.onmessage = (message: JSONRPCMessage, extra) => {
    const listen = taskListenIn(message);
    if (listen !== undefined) {
      if (!declaresTasks(listen.meta)) {
        const { code, message: text, data } = tasksRequired();
        void transport.send({ jsonrpc: '2.0', id: listen.id, error: { code, message: text, data } }).catch(onError);
        return;
      }
      stop(listen.id);
      const found = followable(operations, principal(), listen).catch((error): readonly string[] => {
        onError(error);
        return [];
      });
      asked.set(listen.id, found);
    }
    if ('method' in message && message.method === 'notifications/cancelled') stop(message.params?.requestId);
    wrapped.onmessage?.(message, extra);
  };
  transport.onerror = (error) => wrapped.onerror?.(error);
  transport.onclose = () => {
    // What is looked up just now must not begin to be followed for nobody.
    asked.clear();
    for (const id of followed.keys()) stop(id);
    wrapped.onclose?.();
  };
  return wrapped;
}

/** The subscription that an acknowledgement is for. */
function subscriptionOf(message: JSONRPCMessage): unknown {
  if (!('method' in message) || message.method !== 'notifications/subscriptions/acknowledged') return undefined;
  return (message.params?._meta as Record<string, unknown> | undefined)?.[SUBSCRIPTION_ID_META_KEY];
}
