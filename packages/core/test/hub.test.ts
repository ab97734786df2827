import {
  createHub,
  DeniedError,
  defineModule,
  defineTool,
  inProcessPrincipal,
  inputRequired,
  type Module,
  NotFoundError,
  type SlotName,
  toolAnswer,
} from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const principal = inProcessPrincipal('tester');
const local = { principal, face: 'local' } as const;
const echo = defineTool({
  name: 'echo',
  description: 'Says it back.',
  category: 'test',
  effect: 'read',
  input: z.strictObject({ text: z.string() }),
  output: z.object({ text: z.string() }),
  run: ({ text }) => ({ text }),
});
const withTool = (run: Parameters<typeof defineTool>[0]['run']) =>
  createHub({
    modules: [
      { name: 'm', tools: [defineTool({ name: 't', description: 't', category: 'test', effect: 'write', input: z.looseObject({}), run: run as never })] },
    ],
  });

describe('the order of the stages', () => {
  const slots: SlotName[] = ['limit', 'authorize', 'approve', 'reserve', 'settle', 'record', 'publish'];
  const tracing = (log: string[], only: readonly SlotName[] = slots): Module => ({
    name: 'tracer',
    stages: Object.fromEntries(
      only.map((slot) => [
        slot,
        async (_step: unknown, next: () => Promise<never>) => {
          log.push(`into ${slot}`);
          try {
            return await next();
          } finally {
            log.push(`out of ${slot}`);
          }
        },
      ]),
    ),
  });

  it('is the same however modules and slots are given', async () => {
    const expected = [
      ...['publish', 'record', 'settle', 'limit', 'authorize', 'approve', 'reserve'].map((slot) => `into ${slot}`),
      'run',
      ...['reserve', 'approve', 'authorize', 'limit', 'settle', 'record', 'publish'].map((slot) => `out of ${slot}`),
    ];
    for (const order of [slots, slots.toReversed()]) {
      const log: string[] = [];
      const tool = defineTool({
        name: 'run',
        description: 'r',
        category: 'test',
        effect: 'read',
        input: z.strictObject({}),
        run: () => {
          log.push('run');
          return toolAnswer([]);
        },
      });
      const hub = createHub({ modules: [...order.map((slot) => tracing(log, [slot])), { name: 'm', tools: [tool] }] });
      await hub.call({ ...local, name: 'run' });
      expect(log).toEqual(expected);
    }
  });

  it('lets the outer slots see a refusal as the answer the caller gets', async () => {
    const seen: unknown[] = [];
    const recorder = defineModule({
      name: 'r',
      stages: {
        record: async (_step, next) => {
          const result = await next();
          seen.push(result);
          return result;
        },
      },
    });
    const guard = defineModule({
      name: 'g',
      tools: [echo],
      stages: {
        authorize: async () => {
          throw new DeniedError('no', { policies: ['p1'] });
        },
      },
    });
    const hub = createHub({ modules: [recorder, guard] });
    const answer = await hub.call({ ...local, name: 'echo', arguments: { text: 'x' } });
    expect(answer).toMatchObject({ isError: true, structuredContent: { code: 'DENIED', message: 'no', policies: ['p1'] } });
    expect(seen).toEqual([answer]);
  });

  it('withholds a result that an outer slot could not handle', async () => {
    const failing = defineModule({
      name: 'f',
      tools: [echo],
      stages: {
        record: async (_step, next) => {
          await next();
          throw new Error('disk full');
        },
      },
    });
    const errors: unknown[] = [];
    const hub = createHub({ modules: [failing], onError: (error) => errors.push(error) });
    expect(await hub.call({ ...local, name: 'echo', arguments: { text: 'secret' } })).toMatchObject({ isError: true, structuredContent: { code: 'INTERNAL' } });
    expect(errors).toHaveLength(1);
  });
});

describe('validating arguments', () => {
  const hub = createHub({ modules: [{ name: 'm', tools: [echo] }] });
  const nested = JSON.parse(`${'['.repeat(80)}${']'.repeat(80)}`);
  it.each([
    ['a wrong type', { text: 5 }],
    ['a missing field', {}],
    ['an unknown field', { text: 'x', more: 1 }],
    ['no object', 'text'],
    ['a lone surrogate', { text: '\ud800' }],
    ['a lone surrogate in a key', { text: 'x', '\udc00': 1 }],
    ['a key named __proto__', JSON.parse('{"text":"x","__proto__":{"polluted":true}}')],
    ['deep nesting', { text: nested }],
  ])('refuses %s and says why', async (_what, args) => {
    const answer = await hub.call({ ...local, name: 'echo', arguments: args });
    expect(answer).toMatchObject({ isError: true, structuredContent: { code: 'INVALID_INPUT' } });
  });

  it('passes what fits', async () => {
    expect(await hub.call({ ...local, name: 'echo', arguments: { text: 'hi' } })).toEqual({
      kind: 'tool',
      content: [{ type: 'text', text: '{"text":"hi"}' }],
      structuredContent: { text: 'hi' },
    });
  });
});

describe('what a call ends with', () => {
  it('is an error thrown when nothing has that name', async () => {
    const hub = createHub();
    for (const kind of ['tool', 'resource', 'prompt'] as const) await expect(hub.call({ ...local, kind, name: 'nope' })).rejects.toThrow(NotFoundError);
  });

  it("is the tool's own message when it throws", async () => {
    const hub = withTool(() => {
      throw new Error('the printer is on fire');
    });
    expect(await hub.call({ ...local, name: 't' })).toMatchObject({ isError: true, content: [{ type: 'text', text: 'the printer is on fire' }] });
  });

  it('is told what does not fit in an answer that is smaller than the mistake', async () => {
    const hub = createHub({ modules: [{ name: 'm', tools: [echo] }] });
    const args = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`key${at}`, at]));
    const answer = await hub.call({ ...local, name: 'echo', arguments: args });
    expect(answer).toMatchObject({ isError: true, structuredContent: { code: 'INVALID_INPUT' } });
    expect(JSON.stringify(answer).length).toBeLessThan(5_000);
  });

  it('is an internal error when the answer does not fit the output schema', async () => {
    const tool = defineTool({
      name: 'bad',
      description: 'b',
      category: 'test',
      effect: 'read',
      input: z.strictObject({}),
      output: z.object({ n: z.number() }),
      run: () => ({ n: 'x' }) as never,
    });
    const hub = createHub({ modules: [{ name: 'm', tools: [tool] }] });
    expect(await hub.call({ ...local, name: 'bad' })).toMatchObject({ isError: true, structuredContent: { code: 'INTERNAL' } });
  });

  it('may be a question, which is not an answer', async () => {
    const hub = withTool(() => inputRequired({ name: { method: 'elicitation/create', params: { message: 'who?' } } }, { round: 1 }));
    expect(await hub.call({ ...local, name: 't' })).toMatchObject({ kind: 'input-required', state: { round: 1 } });
  });

  it('is a resource as text, bytes, JSON or several contents', async () => {
    const hub = createHub({
      modules: [
        {
          name: 'm',
          resources: [
            { uri: 'a://text', name: 'text', mimeType: 'text/plain', read: () => ({ text: 'x' }) },
            { uri: 'a://json', name: 'json', read: () => ({ json: [1] }) },
            { uri: 'a://item/{id}', name: 'item', read: ({ variables }) => ({ json: variables }) },
          ],
        },
      ],
    });
    const read = (name: string) => hub.call({ ...local, kind: 'resource', name });
    expect(await read('a://text')).toEqual({ kind: 'resource', contents: [{ uri: 'a://text', mimeType: 'text/plain', text: 'x' }] });
    expect(await read('a://json')).toMatchObject({ contents: [{ mimeType: 'application/json', text: '[1]' }] });
    expect(await read('a://item/x%20y')).toMatchObject({ contents: [{ text: '{"id":"x y"}' }] });
    for (const uri of ['a://item/..', 'a://item/%2e%2e', 'a://item/a%2fb', 'a://item/', 'a://item/%ff', 'a://item/a/b'])
      await expect(read(uri)).rejects.toThrow(NotFoundError);
  });
});

describe('cancelling', () => {
  const waits = () =>
    withTool((_args, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })) as never);

  it('ends a call whose caller gives up', async () => {
    const controller = new AbortController();
    const call = waits().call({ ...local, name: 't', signal: controller.signal });
    controller.abort();
    expect(await call).toMatchObject({ isError: true, structuredContent: { code: 'CANCELLED' } });
  });

  it('ends a call at its deadline, and one that comes too late at once', async () => {
    expect(await waits().call({ ...local, name: 't', deadline: Date.now() + 5 })).toMatchObject({ structuredContent: { code: 'DEADLINE_EXCEEDED' } });
    expect(await waits().call({ ...local, name: 't', deadline: 0 })).toMatchObject({ structuredContent: { code: 'DEADLINE_EXCEEDED' } });
  });

  it('waits for no work that does not listen', async () => {
    const deaf = () => withTool(() => new Promise(() => {}) as never);
    expect(await deaf().call({ ...local, name: 't', deadline: Date.now() + 5 })).toMatchObject({ structuredContent: { code: 'DEADLINE_EXCEEDED' } });
    const hub = deaf();
    const call = hub.call({ ...local, name: 't' });
    await hub.close({ graceMs: 0 });
    expect(await call).toMatchObject({ structuredContent: { code: 'CANCELLED' } });
  });

  it('makes a signal that tells late askers too', async () => {
    const hub = withTool(async (_args, context) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return toolAnswer([{ type: 'text', text: String(context.signal.aborted) }]) as never;
    });
    const seen = new Promise<boolean>((resolve) => hub.events.on('call-finished', ({ call }) => resolve(call.signal.aborted)));
    expect(await hub.call({ ...local, name: 't', deadline: Date.now() + 2 })).toMatchObject({ structuredContent: { code: 'DEADLINE_EXCEEDED' } });
    expect(await seen).toBe(true);
  });

  it('ends what is under way when the hub closes and its grace is over, and takes nothing new', async () => {
    const hub = waits();
    const call = hub.call({ ...local, name: 't' });
    await hub.close({ graceMs: 0 });
    expect(await call).toMatchObject({ structuredContent: { code: 'CANCELLED' } });
    await expect(hub.call({ ...local, name: 't' })).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('closing', () => {
  it('closes every module, also when one fails to', async () => {
    const log: string[] = [];
    const module = (name: string, fails = false): Module => ({
      name,
      close() {
        log.push(name);
        if (fails) throw new Error(name);
      },
    });
    await expect(createHub({ modules: [module('a'), module('b', true), module('c')] }).close()).rejects.toThrow('b');
    expect(log).toEqual(['c', 'b', 'a']);
    await expect(createHub({ modules: [module('d', true), module('e', true)] }).close()).rejects.toThrow(AggregateError);
  });
});

describe('a failure', () => {
  it('keeps its code and message, whatever its details are called', async () => {
    const hub = withTool(() => {
      throw new DeniedError('no', { details: { code: 'OK', message: 'yes', more: 1 } });
    });
    expect(await hub.call({ ...local, name: 't' })).toMatchObject({ structuredContent: { code: 'DENIED', message: 'no', more: 1 } });
  });
});

describe('events', () => {
  it('reach a listener that listens once, once', async () => {
    const hub = createHub({ modules: [{ name: 'm', tools: [echo] }] });
    let heard = 0;
    hub.events.once('call-finished', () => {
      heard += 1;
    });
    for (const text of ['x', 'y']) await hub.call({ ...local, name: 'echo', arguments: { text } });
    expect(heard).toBe(1);
  });

  it('tell of every call, and survive a listener that throws', async () => {
    const errors: unknown[] = [];
    const hub = createHub({ modules: [{ name: 'm', tools: [echo] }], onError: (error) => errors.push(error) });
    const names: string[] = [];
    hub.events.on('call-finished', () => {
      throw new Error('listener');
    });
    hub.events.on('call-finished', ({ call }) => names.push(call.name));
    await hub.call({ ...local, name: 'echo', arguments: { text: 'x' } });
    await hub.call({ ...local, name: 'nope' }).catch(() => {});
    expect(names).toEqual(['echo', 'nope']);
    expect(errors).toHaveLength(2);
  });
});
