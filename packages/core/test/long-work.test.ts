import {
  type CallRequest,
  type CallResult,
  createHub,
  createMemoryStore,
  createOperations,
  DeniedError,
  defineTool,
  InternalError,
  InvalidInputError,
  inProcessPrincipal,
  inputRequired,
  type Module,
  type Operation,
  type Stage,
  toolAnswer,
} from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const alice = inProcessPrincipal('alice');
const bob = inProcessPrincipal('bob');
const say = (text: string) => toolAnswer([{ type: 'text', text }]);
const base = { description: 'x', category: 'test', effect: 'write', input: z.strictObject({}) } as const;

const tools = [
  defineTool({ ...base, name: 'may', task: 'optional', run: () => say('done') }),
  defineTool({ ...base, name: 'must', task: 'required', run: () => say('done') }),
  defineTool({ ...base, name: 'short', run: () => say('done') }),
  defineTool({
    ...base,
    name: 'fails',
    task: 'optional',
    run: () => {
      throw new InvalidInputError('no such quarter');
    },
  }),
  defineTool({
    ...base,
    name: 'breaks',
    task: 'optional',
    run: () => {
      throw new InternalError('broken');
    },
  }),
  defineTool({ ...base, name: 'wrong', task: 'optional', output: z.object({ n: z.number() }), run: () => ({ n: 'x' }) as never }),
  defineTool({
    ...base,
    name: 'waits',
    task: 'optional',
    run: (_args, { signal }) => new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  }),
  defineTool({
    ...base,
    name: 'steps',
    task: 'optional',
    run: async (_args, { progress }) => {
      await progress({ progress: 1, total: 2, message: 'halfway' });
      return say('done');
    },
  }),
  defineTool({
    ...base,
    name: 'counts',
    task: 'required',
    run: (_args, { call }) => {
      const asked = (call.inputState as { asked: number; sum: number } | undefined) ?? { asked: 0, sum: 0 };
      const sum = asked.sum + Number(call.inputResponses?.n ?? 0);
      return asked.asked === 3 ? say(String(sum)) : inputRequired({ n: { method: 'elicitation/create' } }, { asked: asked.asked + 1, sum });
    },
  }),
  defineTool({
    ...base,
    name: 'asks-first',
    task: 'required',
    askFirst: (_args, { call }) => (call.inputResponses?.name === undefined ? inputRequired({ name: { method: 'elicitation/create' } }) : undefined),
    run: (_args, { call }) => say(String(call.inputResponses?.name)),
  }),
];

function world(modules: readonly Module[] = []) {
  const operations = createOperations({ store: createMemoryStore() });
  const hub = createHub({ modules: [{ name: 'test', tools }, ...modules], operations });
  const call = (name: string, more: Partial<CallRequest> = {}) => hub.call({ name, arguments: {}, principal: alice, face: 'local', ...more });
  const start = async (name: string, more: Partial<CallRequest> = {}) => {
    const result = await call(name, { asTask: true, ...more });
    if (result.kind !== 'operation') throw new Error(`${name} was answered with ${JSON.stringify(result)}`);
    return result.operation;
  };
  const end = async ({ id }: Operation, onState: (state: Operation) => Promise<unknown> = async () => {}) => {
    for await (const state of operations.watch(id, alice)) await onState(state);
    return operations.get(id, alice);
  };
  return { operations, hub, call, start, end };
}

describe('a tool that does long work', () => {
  it('is answered with an operation where the caller takes one', async () => {
    const { start, end } = world();
    for (const name of ['may', 'must']) {
      const operation = await start(name);
      expect(operation).toMatchObject({ name, status: 'working', owner: 'user:alice' });
      expect(await end(operation)).toMatchObject({ status: 'completed', result: { kind: 'tool', content: [{ text: 'done' }] } });
    }
  });

  it('runs while the caller waits where it may, and is refused where it may not', async () => {
    const { call, operations } = world();
    expect(await call('may')).toMatchObject({ kind: 'tool', content: [{ text: 'done' }] });
    expect(await call('must')).toMatchObject({ isError: true, structuredContent: { code: 'TASK_REQUIRED' } });
    expect(await call('short', { asTask: true })).toMatchObject({ kind: 'tool', content: [{ text: 'done' }] });
    expect(await operations.list(alice)).toEqual([]);
  });

  it('needs a hub that keeps operations', async () => {
    await using hub = createHub({ modules: [{ name: 'test', tools }] });
    const call = (name: string) => hub.call({ name, arguments: {}, principal: alice, face: 'local', asTask: true });
    expect(await call('may')).toMatchObject({ kind: 'tool', content: [{ text: 'done' }] });
    expect(await call('must')).toMatchObject({ isError: true, structuredContent: { code: 'TASK_REQUIRED' } });
  });

  it('fails with an answer, as it does for a call', async () => {
    const { start, end } = world();
    expect(await end(await start('fails'))).toMatchObject({
      status: 'completed',
      result: { isError: true, structuredContent: { code: 'INVALID_INPUT', message: 'no such quarter' } },
    });
  });

  it('fails as an operation when the hub fails', async () => {
    const { start, end } = world();
    for (const name of ['breaks', 'wrong']) expect(await end(await start(name))).toMatchObject({ status: 'failed', failure: { code: 'INTERNAL' } });
  });

  it('asks what it asks of its operation, again and again, with its state', async () => {
    const { start, end, operations } = world();
    let given = 0;
    const ended = await end(await start('counts'), async ({ id, status, requests = {} }) => {
      if (status !== 'input_required') return;
      given += 1;
      await operations.answer(id, alice, Object.fromEntries(Object.keys(requests).map((key) => [key, given])));
    });
    expect(ended).toMatchObject({ status: 'completed', result: { content: [{ text: '6' }] } });
  });

  it('may ask before it begins, and begins with the answer', async () => {
    const { call, start, end, operations } = world();
    expect(await call('asks-first', { asTask: true })).toMatchObject({ kind: 'input-required' });
    expect(await operations.list(alice)).toEqual([]);
    expect(await end(await start('asks-first', { inputResponses: { name: 'Ada' } }))).toMatchObject({ result: { content: [{ text: 'Ada' }] } });
  });

  it('tells how far it is', async () => {
    const { start, end } = world();
    expect(await end(await start('steps'))).toMatchObject({ progress: { progress: 1, total: 2 }, message: 'halfway' });
  });

  it('outlives the call that began it, and its deadline', async () => {
    const { start, operations } = world();
    const caller = new AbortController();
    const { id } = await start('waits', { signal: caller.signal, deadline: Date.now() + 10 });
    caller.abort();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await operations.get(id, alice)).toMatchObject({ status: 'working' });
    expect(await operations.cancel(id, alice)).toMatchObject({ status: 'cancelled' });
    await operations.close();
  });

  it('begins only when every stage has let it, and is one call to them', async () => {
    const results: CallResult[] = [];
    const record: Stage = async (_step, next) => {
      const result = await next();
      results.push(result);
      return result;
    };
    const authorize: Stage = ({ call }, next) => (call.principal.id === 'alice' ? next() : Promise.reject(new DeniedError('no')));
    const { call, start, end, operations } = world([{ name: 'stages', stages: { record, authorize } }]);
    await end(await start('may'));
    expect(results.map(({ kind }) => kind)).toEqual(['operation']);
    expect(await call('may', { asTask: true, principal: bob })).toMatchObject({ isError: true, structuredContent: { code: 'DENIED' } });
    expect(await operations.list(bob)).toEqual([]);
    expect(results).toHaveLength(2);
  });

  it('starts nothing on a hub that closes', async () => {
    const { call, operations } = world();
    await operations.close();
    expect(await call('may', { asTask: true })).toMatchObject({ isError: true, structuredContent: { code: 'CLOSED' } });
  });
});

describe('the tools of operations', () => {
  it('show and cancel what is one’s own', async () => {
    const { start, call, end } = world();
    const waiting = await start('waits');
    const ended = await start('may');
    await end(ended);
    const list = await call('operation_list');
    expect(list).toMatchObject({ structuredContent: { total: 2 } });
    expect(JSON.stringify(list)).not.toMatch(/owner|hub_|"result"/);
    expect(await call('operation_list', { arguments: { status: 'completed' } })).toMatchObject({
      structuredContent: { total: 1, operations: [{ id: ended.id }] },
    });
    expect(await call('operation_get', { arguments: { id: ended.id } })).toMatchObject({
      structuredContent: { id: ended.id, status: 'completed', result: { kind: 'tool', content: [{ text: 'done' }] } },
    });
    expect(await call('operation_cancel', { arguments: { id: waiting.id } })).toMatchObject({ structuredContent: { status: 'cancelled' } });
    expect(await call('operation_get', { arguments: { id: waiting.id } })).toMatchObject({ structuredContent: { status: 'cancelled' } });
  });

  it('answer what is asked', async () => {
    const { start, call, end, operations } = world();
    const { id } = await start('counts');
    const seen: unknown[] = [];
    await end({ id } as Operation, async ({ status, requests = {} }) => {
      if (status !== 'input_required') return;
      const responses = Object.fromEntries(Object.keys(requests).map((key) => [key, 5]));
      seen.push(await call('operation_answer', { arguments: { id, responses } }));
    });
    expect(seen).toHaveLength(3);
    expect(await operations.get(id, alice)).toMatchObject({ result: { content: [{ text: '15' }] } });
    expect(await call('operation_answer', { arguments: { id, responses: {} } })).toMatchObject({
      isError: true,
      structuredContent: { code: 'INVALID_INPUT', status: 'completed' },
    });
  });

  it('know nothing of what is somebody else’s', async () => {
    const { start, call } = world();
    const { id } = await start('may');
    for (const name of ['operation_get', 'operation_cancel', 'operation_answer'])
      expect(await call(name, { arguments: { id, ...(name === 'operation_answer' && { responses: {} }) }, principal: bob })).toMatchObject({
        isError: true,
        structuredContent: { code: 'NOT_FOUND' },
      });
    expect(await call('operation_list', { principal: bob })).toMatchObject({ structuredContent: { operations: [], total: 0 } });
  });
});
