import { defineTool, type Hub, inProcessPrincipal, type Principal, toolAnswer } from '@meshwork/core';
import { connectInProcess, createFetchHandler, type FetchHandler } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { alice, authenticator, longTools, modernRequest, testHub } from './world.ts';

const TASKS = 'io.modelcontextprotocol/tasks';
const declared = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {}, extensions: { [TASKS]: {} } } };

/** A message, or an answer to one. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

function clientOf(handler: FetchHandler, { key = 'alice-key', meta = declared as Record<string, unknown> } = {}) {
  const send = (method: string, params: Record<string, unknown>, signal?: AbortSignal) => {
    const { headers, message } = modernRequest(method, params, meta);
    const all = { host: '127.0.0.1', ...headers, authorization: `Bearer ${key}` };
    return handler(
      new Request('http://127.0.0.1/mcp', { method: 'POST', headers: all, body: JSON.stringify(message), ...(signal !== undefined && { signal }) }),
    );
  };
  const request = async (method: string, params: Record<string, unknown>) => {
    const response = await send(method, params);
    return { status: response.status, ...((await response.json()) as Message) };
  };
  const reaches = async (taskId: string, status: string) => {
    for (;;) {
      const { result } = await request('tasks/get', { taskId });
      if (result?.status === status) return result;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const start = async (name: string, args: Record<string, unknown> = {}) => String((await request('tools/call', { name, arguments: args })).result?.taskId);
  return { send, request, reaches, start };
}

async function withHandler(work: (handler: FetchHandler, hub: Hub) => Promise<void>, { quickCalls = true } = {}): Promise<void> {
  await using hub = testHub({ keepsOperations: true });
  hub.register({ tools: longTools });
  const handler = createFetchHandler(hub, { authenticator, quickCalls });
  await work(handler, hub);
  await handler.close();
  await hub.operations?.close();
}

const missing = { status: 400, error: { code: -32021, data: { requiredCapabilities: { extensions: { [TASKS]: {} } } } } };

describe.each([true, false])('tasks, with quick answers: %s', (quickCalls) => {
  const withThisHandler = (work: (handler: FetchHandler) => Promise<void>) => withHandler(work, { quickCalls });

  it('are what a long tool is answered with, and end with its result', () =>
    withThisHandler(async (handler) => {
      const client = clientOf(handler);
      const { result } = await client.request('tools/call', { name: 'long', arguments: {} });
      expect(result).toMatchObject({ resultType: 'task', taskId: expect.any(String), status: 'working', ttlMs: null, pollIntervalMs: 1_000 });
      expect(await client.reaches(String(result?.taskId), 'completed')).toMatchObject({
        resultType: 'complete',
        ttlMs: expect.any(Number),
        result: { content: [{ text: 'done for "nobody"' }] },
      });
    }));

  it('ask while they run, and go on with the answers', () =>
    withThisHandler(async (handler) => {
      const client = clientOf(handler);
      const taskId = await client.start('long', { question: true });
      const waiting = await client.reaches(taskId, 'input_required');
      expect(waiting).toMatchObject({
        statusMessage: '1 of 2 done',
        inputRequests: { name: { method: 'elicitation/create', params: { message: 'Your name?' } } },
      });
      expect(waiting).not.toHaveProperty('requestState');
      const other = await client.request('tasks/update', { taskId, inputResponses: { other: { action: 'accept' } } });
      expect(other.result).toMatchObject({ resultType: 'complete' });
      await client.request('tasks/update', { taskId, inputResponses: { name: { action: 'accept', content: { name: 'Ada' } } } });
      expect(JSON.stringify(await client.reaches(taskId, 'completed'))).toContain('Ada');
      const late = await client.request('tasks/update', { taskId, inputResponses: { name: { action: 'decline' } } });
      expect(late.result).toMatchObject({ resultType: 'complete' });
    }));

  it('are cancelled, once and for all', () =>
    withThisHandler(async (handler) => {
      const client = clientOf(handler);
      const taskId = await client.start('endless');
      for (let time = 0; time < 2; time += 1) expect((await client.request('tasks/cancel', { taskId })).result).toMatchObject({ resultType: 'complete' });
      expect(await client.reaches(taskId, 'cancelled')).not.toHaveProperty('result');
    }));

  it('are nobody else’s', () =>
    withThisHandler(async (handler) => {
      const taskId = await clientOf(handler).start('endless');
      const bob = clientOf(handler, { key: 'bob-key' });
      for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
        const [foreign, unknown] = [
          await bob.request(method, { taskId, inputResponses: {} }),
          await bob.request(method, { taskId: 'op_none', inputResponses: {} }),
        ];
        expect(foreign.error).toMatchObject({ code: -32602, data: { code: 'NOT_FOUND' } });
        expect(foreign.error?.message.replace(taskId, 'op_none')).toBe(unknown.error?.message);
      }
      expect((await clientOf(handler).request('tasks/get', { taskId })).result).toMatchObject({ status: 'working' });
    }));

  it('are for clients that declare them in the request', () =>
    withThisHandler(async (handler) => {
      const client = clientOf(handler, { meta: {} });
      for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update'])
        expect(await client.request(method, { taskId: 'op_none', inputResponses: {} })).toMatchObject(missing);
      expect(await client.request('tools/call', { name: 'endless', arguments: {} })).toMatchObject(missing);
      expect((await client.request('tools/call', { name: 'long', arguments: {} })).result).toMatchObject({ resultType: 'complete', content: [{}] });
      expect(await client.request('subscriptions/listen', { notifications: { taskIds: ['op_none'] } })).toMatchObject(missing);
    }));

  it('are looked at, answered and cancelled through the hub, which records it', () =>
    withHandler(
      async (handler, hub) => {
        const names: string[] = [];
        hub.events.on('call-finished', ({ call }) => names.push(`${call.name} by ${call.principal.id}`));
        const client = clientOf(handler);
        const taskId = await client.start('endless');
        for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) await client.request(method, { taskId, inputResponses: {} });
        expect(names).toEqual(['endless by alice', 'operation_get by alice', 'operation_answer by alice', 'operation_cancel by alice']);
      },
      { quickCalls },
    ));

  it('are told of when a server is discovered, on a hub that keeps operations', () =>
    withThisHandler(async (handler) => {
      const { result } = await clientOf(handler).request('server/discover', {});
      expect(result).toMatchObject({ capabilities: { extensions: { [TASKS]: {} } } });
    }));
});

/** Reads a stream of server-sent events, one message at a time. */
function messagesOf(response: Response) {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = '';
  const next = async (): Promise<Message | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const frame = text.slice(0, end);
        text = text.slice(end + 2);
        const data = frame.split('\n').find((line) => line.startsWith('data: '));
        if (data !== undefined) return JSON.parse(data.slice(6));
        continue;
      }
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
    }
  };
  return { next, cancel: () => reader.cancel() };
}

const newcomer = defineTool({ name: 'new', description: 'x', category: 'x', effect: 'read', input: z.object({}), run: () => toolAnswer([]) });
const subscription = { 'io.modelcontextprotocol/subscriptionId': 1 };

describe('notices of tasks', () => {
  it('come on a subscription over HTTP, beside the notices it carries anyway', { timeout: 10_000 }, () =>
    withHandler(async (handler, hub) => {
      const client = clientOf(handler);
      const taskId = await client.start('long', { question: true });
      await client.reaches(taskId, 'input_required');
      const response = await client.send('subscriptions/listen', { notifications: { toolsListChanged: true, taskIds: [taskId, 'op_none', 5] } });
      const stream = messagesOf(response);
      expect(await stream.next()).toMatchObject({
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications: { toolsListChanged: true, taskIds: [taskId] }, _meta: subscription },
      });
      expect(await stream.next()).toMatchObject({
        method: 'notifications/tasks',
        params: { taskId, status: 'input_required', inputRequests: { name: {} }, _meta: subscription },
      });
      hub.register({ tools: [newcomer] });
      expect(await stream.next()).toMatchObject({ method: 'notifications/tools/list_changed' });
      await client.request('tasks/update', { taskId, inputResponses: { name: { action: 'decline' } } });
      expect(await stream.next()).toMatchObject({ params: { taskId, status: 'working' } });
      expect(await stream.next()).toMatchObject({ params: { taskId, status: 'completed', result: { content: [{ text: 'done for {"action":"decline"}' }] } } });
      await stream.cancel();
    }),
  );

  it('keep a subscription open that asks about nothing else, and about no resource', () =>
    withHandler(async (handler) => {
      const client = clientOf(handler);
      const taskId = await client.start('endless');
      const stream = messagesOf(await client.send('subscriptions/listen', { notifications: { taskIds: [taskId] } }));
      expect((await stream.next())?.params?.notifications).toEqual({ taskIds: [taskId] });
      expect(await stream.next()).toMatchObject({ params: { status: 'working' } });
      await client.request('tasks/cancel', { taskId });
      expect(await stream.next()).toMatchObject({ params: { status: 'cancelled' } });
      await stream.cancel();
    }));

  it('say nothing of somebody else’s', () =>
    withHandler(async (handler) => {
      const taskId = await clientOf(handler).start('endless');
      const stream = messagesOf(await clientOf(handler, { key: 'bob-key' }).send('subscriptions/listen', { notifications: { taskIds: [taskId] } }));
      expect((await stream.next())?.params?.notifications).toEqual({});
      expect(await stream.next()).toMatchObject({ id: 1, result: { resultType: 'complete' } });
      expect(await stream.next()).toBeUndefined();
    }));

  it('end with the endpoint', () =>
    withHandler(async (handler) => {
      const client = clientOf(handler);
      const taskId = await client.start('endless');
      const stream = messagesOf(await client.send('subscriptions/listen', { notifications: { taskIds: [taskId] } }));
      await stream.next();
      await stream.next();
      await handler.close();
      expect(await stream.next()).toMatchObject({ id: 1, result: { resultType: 'complete' } });
      expect(await stream.next()).toBeUndefined();
    }));

  it('come on a connection that lasts, until they are cancelled', async () => {
    await using hub = testHub({ keepsOperations: true });
    hub.register({ tools: longTools });
    const client = await connectionOf(hub, alice);
    const taskId = String((await client.request('tools/call', { name: 'endless', arguments: {} })).result?.taskId);
    client.send('subscriptions/listen', { notifications: { taskIds: [taskId, 'op_none'] } }, 77);
    expect(await client.next()).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { taskIds: [taskId] }, _meta: { 'io.modelcontextprotocol/subscriptionId': 77 } },
    });
    expect(await client.next()).toMatchObject({ method: 'notifications/tasks', params: { taskId, status: 'working' } });
    client.notify('notifications/cancelled', { requestId: 77 });
    await client.request('tasks/cancel', { taskId });
    expect((await client.request('tasks/get', { taskId })).result).toMatchObject({ status: 'cancelled' });
    expect(client.unread()).toEqual([]);
    client.send('subscriptions/listen', { notifications: { taskIds: [taskId] } }, 78, {});
    expect(await client.next()).toMatchObject({ id: 78, error: { code: -32021 } });
    await client.close();
  });
});

describe('a client of a revision without tasks', () => {
  it('waits for the work, or is told what to do', async () => {
    await using hub = testHub({ keepsOperations: true });
    hub.register({ tools: longTools });
    const transport = connectInProcess(hub, alice);
    const answers = new Map<number, (message: Message) => void>();
    transport.onmessage = (message) => answers.get((message as { id: number }).id)?.(message as Message);
    await transport.start();
    const request = (id: number, method: string, params: Record<string, unknown>) =>
      new Promise<Message>((resolve) => {
        answers.set(id, resolve);
        void transport.send({ jsonrpc: '2.0', id, method, params });
      });
    const clientInfo = { name: 'old', version: '1' };
    const started = await request(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: { extensions: { [TASKS]: {} } }, clientInfo });
    expect(started.result).toMatchObject({ protocolVersion: '2025-11-25' });
    expect((await request(2, 'tools/call', { name: 'long', arguments: {} })).result).toMatchObject({ content: [{ text: 'done for "nobody"' }] });
    expect((await request(3, 'tools/call', { name: 'endless', arguments: {} })).result).toMatchObject({
      isError: true,
      structuredContent: { code: 'TASK_REQUIRED' },
    });
    expect(started.result?.capabilities).not.toHaveProperty('extensions');
    expect(await request(4, 'tasks/get', { taskId: 'op_none' })).toMatchObject({ error: { code: -32601 } });
    await transport.close();
  });
});

/** The client's end of a connection in this process, as raw messages. */
async function connectionOf(hub: Hub, principal: Principal = inProcessPrincipal('suite')) {
  const transport = connectInProcess(hub, principal);
  const unread: Message[] = [];
  const waiting: Array<(message: Message) => void> = [];
  transport.onmessage = (given) => {
    const message = given as Message;
    const next = waiting.shift();
    if (next === undefined) unread.push(message);
    else next(message);
  };
  await transport.start();
  const next = () => (unread.length > 0 ? Promise.resolve(unread.shift() as Message) : new Promise<Message>((resolve) => waiting.push(resolve)));
  const send = (method: string, params: Record<string, unknown>, id: number, meta: Record<string, unknown> = declared) =>
    void transport.send({ ...modernRequest(method, params, meta).message, id } as never);
  let id = 0;
  return {
    next,
    send,
    unread: () => unread,
    notify: (method: string, params: Record<string, unknown>) => void transport.send({ jsonrpc: '2.0', method, params }),
    request: (method: string, params: Record<string, unknown>) => {
      id += 1;
      send(method, params, id);
      return next();
    },
    close: () => transport.close(),
  };
}
