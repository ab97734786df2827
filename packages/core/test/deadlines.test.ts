import { type CallResult, createHub, defineResource, defineTool, inProcessPrincipal, type Module, type SlotName, type Stage, toolAnswer } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const local = { principal: inProcessPrincipal('me'), face: 'local' } as const;
const DEADLINE_MS = 50;
/** Far more than a deadline, and far less than a machine that is merely busy takes to fail a test. */
const MARGIN_MS = 5_000;

const never = new Promise<never>(() => {});
const quick = defineTool({
  name: 'quick',
  description: 'Answers at once.',
  category: 'test',
  effect: 'write',
  input: z.strictObject({}),
  run: () => toolAnswer([{ type: 'text', text: 'the result' }]),
});
const deaf = defineTool({ ...quick, name: 'deaf', run: () => never });
const page = defineResource({ uri: 'test://page', name: 'page', read: () => ({ text: 'the result' }) });

function hubWith(stages: Partial<Record<SlotName, Stage>>, others: readonly Module[] = []) {
  return createHub({ modules: [{ name: 'test', tools: [quick, deaf], resources: [page], stages }, ...others] });
}
const soon = () => ({ deadline: Date.now() + DEADLINE_MS });

async function timed<T>(work: Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const started = performance.now();
  return { value: await work, ms: performance.now() - started };
}

describe('a call whose deadline passes', () => {
  it.each(['limit', 'authorize', 'approve', 'reserve'] as const)('ends, and is seen by the slots on the way out, while the slot %s hangs', async (slot) => {
    const seen: CallResult[] = [];
    const record: Stage = async (_step, next) => {
      const result = await next();
      seen.push(result);
      return result;
    };
    const { value, ms } = await timed(hubWith({ [slot]: () => never, record }).call({ ...local, name: 'quick', ...soon() }));
    expect(value).toMatchObject({ isError: true, structuredContent: { code: 'DEADLINE_EXCEEDED' } });
    expect(seen).toEqual([value]);
    expect(ms).toBeLessThan(DEADLINE_MS + MARGIN_MS);
  });

  it.each(['settle', 'record', 'publish'] as const)('ends without its result while the slot %s hangs', async (slot) => {
    const hang: Stage = async (_step, next) => {
      await next();
      return never;
    };
    const hub = hubWith({ [slot]: hang });
    const { value, ms } = await timed(hub.call({ ...local, name: 'quick', ...soon() }));
    expect(value).toMatchObject({ isError: true, structuredContent: { code: 'DEADLINE_EXCEEDED', message: expect.stringContaining('withheld') } });
    expect(JSON.stringify(value)).not.toContain('the result');
    expect(ms).toBeLessThan(DEADLINE_MS + MARGIN_MS);
    await expect(hub.call({ ...local, kind: 'resource', name: 'test://page', ...soon() })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('ends while its work and then its record hang', async () => {
    const record: Stage = (_step, next) => next().then(() => never);
    const { value, ms } = await timed(hubWith({ record }).call({ ...local, name: 'deaf', ...soon() }));
    expect(value).toMatchObject({ structuredContent: { code: 'DEADLINE_EXCEEDED' } });
    expect(ms).toBeLessThan(DEADLINE_MS + MARGIN_MS);
  });

  it('leaves what the slots around its work had reserved time to be given back before it is on record', async () => {
    const order: string[] = [];
    const reserve: Stage = async (_step, next) => {
      try {
        return await next();
      } finally {
        await Promise.resolve();
        order.push('given back');
      }
    };
    const record: Stage = async (_step, next) => {
      const result = await next();
      order.push('recorded');
      return result;
    };
    await hubWith({ reserve, record }).call({ ...local, name: 'deaf', ...soon() });
    expect(order).toEqual(['given back', 'recorded']);
  });

  it('is told of once, however it comes out later', async () => {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const record: Stage = async (_step, next) => {
      const result = await next();
      await held;
      return result;
    };
    const hub = hubWith({ record });
    const told: unknown[] = [];
    hub.events.on('call-finished', ({ result }) => told.push(result));
    const answer = await hub.call({ ...local, name: 'quick', ...soon() });
    letGo();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(told).toEqual([answer]);
    await hub.close();
  });
});

describe('closing a hub', () => {
  it('ends while a record hangs, once the grace of the calls is over', async () => {
    const hub = hubWith({ record: (_step, next) => next().then(() => never) });
    const call = hub.call({ ...local, name: 'quick' });
    const { ms } = await timed(hub.close({ graceMs: 10 }));
    expect(await call).toMatchObject({ structuredContent: { code: 'CANCELLED' } });
    expect(ms).toBeLessThan(MARGIN_MS);
  });

  it('ends while a module hangs, and says which', async () => {
    const closed: string[] = [];
    const hub = hubWith({}, [
      { name: 'first', close: () => void closed.push('first') },
      { name: 'stuck', close: () => never },
    ]);
    await expect(hub.close({ moduleMs: 50 })).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('stuck') });
    expect(closed).toEqual(['first']);
  });
});
