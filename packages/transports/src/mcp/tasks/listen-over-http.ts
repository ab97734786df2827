import type { Hub, Principal } from '@meshwork/core';
import { type FaceResponse, json } from '../../http/plain-http.ts';
import { asRefusal } from '../../http/refusals.ts';
import { acknowledgeTasks, followable, sendTaskNotices, taskListenIn } from './task-notices.ts';
import { declaresTasks, tasksRequired } from './tasks-extension.ts';

export interface ListenOverHttpOptions {
  readonly principal: Principal;
  readonly body: unknown;
  /** Has the SDK answer a body. */
  readonly forward: (body: unknown) => Promise<Response>;
  readonly onError: (error: unknown) => void;
}

/** A resource nobody has: the SDK ends a subscription to nothing at once, and knows nothing of tasks. */
const PLACEHOLDER = 'meshwork:tasks';

/**
 * Answers a `subscriptions/listen` that asks about tasks: the SDK's own stream, with the tasks in its acknowledgement and their changes in
 * between. `undefined` for every other request.
 */
export async function listenOverHttp(hub: Hub, { principal, body, forward, onError }: ListenOverHttpOptions): Promise<FaceResponse | undefined> {
  const { operations } = hub;
  const listen = operations === undefined ? undefined : taskListenIn(body);
  if (operations === undefined || listen === undefined) return undefined;
  if (!declaresTasks(listen.meta)) {
    const { code, message, data } = tasksRequired();
    return asRefusal(json({ jsonrpc: '2.0', id: listen.id, error: { code, message, data } }, 400), message);
  }
  const taskIds = await followable(operations, principal, listen);
  if (taskIds.length === 0) return forward(body);
  const response = await forward(withPlaceholder(body));
  if (response.body === null || !response.headers.get('content-type')?.startsWith('text/event-stream')) return response;
  const reader = response.body.getReader();
  const encoder = new TextEncoder();
  let stop = () => {};
  let isOpen = true;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const write = (message: unknown) => {
        if (isOpen) controller.enqueue(encoder.encode(`event: message\ndata: ${JSON.stringify(message)}\n\n`));
      };
      const pass = async () => {
        const { message, rest } = await firstMessage(reader);
        write(withoutPlaceholder(acknowledgeTasks(message, taskIds)));
        if (rest.length > 0) controller.enqueue(rest);
        stop = sendTaskNotices({ operations, principal, subscription: listen.id, taskIds, send: write, onError });
        for (;;) {
          const { done, value } = await reader.read();
          if (done || !isOpen) break;
          controller.enqueue(value);
        }
      };
      pass()
        .catch((error) => isOpen && onError(error))
        .finally(() => {
          stop();
          if (isOpen) controller.close();
          isOpen = false;
        });
    },
    async cancel(reason) {
      isOpen = false;
      stop();
      await reader.cancel(reason);
    },
  });
  return new Response(stream, { status: response.status, headers: response.headers });
}

/** The acknowledgement, which comes first, and what was read beyond it. */
async function firstMessage(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<{ message: object; rest: Uint8Array }> {
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const end = text.indexOf('\n\n');
    if (end >= 0) {
      const data = text
        .slice(0, end)
        .split('\n')
        .find((line) => line.startsWith('data: '));
      return { message: JSON.parse(data?.slice('data: '.length) ?? '{}'), rest: new TextEncoder().encode(text.slice(end + 2)) };
    }
    const { done, value } = await reader.read();
    if (done) throw new Error('a subscription ended before it was acknowledged');
    text += decoder.decode(value, { stream: true });
  }
}

interface Listening {
  readonly params: { readonly notifications: { readonly resourceSubscriptions?: readonly string[] } };
}

function withPlaceholder(body: unknown): unknown {
  const { params } = body as Listening;
  const { resourceSubscriptions = [], ...others } = params.notifications;
  return { ...(body as object), params: { ...params, notifications: { ...others, resourceSubscriptions: [...resourceSubscriptions, PLACEHOLDER] } } };
}

function withoutPlaceholder(message: object): object {
  const { params } = message as Listening;
  const { resourceSubscriptions = [], ...others } = params.notifications;
  const asked = resourceSubscriptions.filter((uri) => uri !== PLACEHOLDER);
  return { ...message, params: { ...params, notifications: { ...others, ...(asked.length > 0 && { resourceSubscriptions: asked }) } } };
}
