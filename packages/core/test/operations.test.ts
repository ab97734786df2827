import {
  CancelledError,
  createMemoryStore,
  createOperations,
  InvalidInputError,
  inProcessPrincipal,
  NotFoundError,
  type Operation,
  type OperationEvent,
  toolAnswer,
  transition,
} from '@meshwork/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const alice = inProcessPrincipal('alice');
const bob = inProcessPrincipal('bob');
const done = toolAnswer([{ type: 'text', text: 'done' }]);
const until = async (states: AsyncIterable<Operation>) => {
  const seen: string[] = [];
  for await (const { status } of states) seen.push(status);
  return seen;
};

describe('an operation', () => {
  it('runs in the background and ends with its result', async () => {
    const operations = createOperations({ store: createMemoryStore() });
    const { id, status } = await operations.start({ principal: alice, name: 'report' }, async ({ progress }) => {
      await progress({ progress: 1, total: 2 });
      return done;
    });
    expect(status).toBe('working');
    expect((await until(operations.watch(id, alice))).at(-1)).toBe('completed');
    expect(await operations.get(id, alice)).toMatchObject({ status: 'completed', result: done, progress: { progress: 1 }, name: 'report' });
  });

  it('tells why it failed', async () => {
    const operations = createOperations({ store: createMemoryStore() });
    const { id } = await operations.start({ principal: alice, name: 'report' }, () => Promise.reject(new InvalidInputError('no such quarter')));
    await until(operations.watch(id, alice));
    expect(await operations.get(id, alice)).toMatchObject({ status: 'failed', failure: { code: 'INVALID_INPUT', message: 'no such quarter' } });
  });

  it('asks its owner, and goes on with the answer', async () => {
    const operations = createOperations({ store: createMemoryStore() });
    const { id } = await operations.start({ principal: alice, name: 'ask' }, async ({ ask }) =>
      toolAnswer([{ type: 'text', text: String((await ask({ name: { method: 'elicitation/create' } })).name) }]),
    );
    for await (const { status, requests } of operations.watch(id, alice)) {
      if (status !== 'input_required') continue;
      expect(requests).toEqual({ name: { method: 'elicitation/create' } });
      await expect(operations.answer(id, bob, { name: 'mallory' })).rejects.toThrow(NotFoundError);
      await operations.answer(id, alice, { name: 'Ada' });
    }
    expect(await operations.get(id, alice)).toMatchObject({ status: 'completed', result: { content: [{ text: 'Ada' }] } });
    await expect(operations.answer(id, alice, {})).rejects.toThrow(InvalidInputError);
  });

  it('stays cancelled, whatever its work still does', async () => {
    const operations = createOperations({ store: createMemoryStore() });
    let finish: () => void = () => {};
    const { id } = await operations.start({ principal: alice, name: 'slow' }, async ({ signal }) => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      expect(signal.reason).toBeInstanceOf(CancelledError);
      return done;
    });
    expect(await operations.cancel(id, alice)).toMatchObject({ status: 'cancelled' });
    finish();
    await operations.close();
    expect(await operations.get(id, alice)).toMatchObject({ status: 'cancelled' });
    expect(await operations.cancel(id, alice)).toMatchObject({ status: 'cancelled' });
  });

  it('is nobody else’s to see, cancel or list', async () => {
    const operations = createOperations({ store: createMemoryStore() });
    const { id } = await operations.start({ principal: alice, name: 'mine' }, async () => done);
    for (const attempt of [operations.get(id, bob), operations.cancel(id, bob), operations.get('op_none', alice), operations.get('../x', alice)])
      await expect(attempt).rejects.toThrow(NotFoundError);
    expect(await operations.list(bob)).toEqual([]);
    expect(await operations.list(alice)).toHaveLength(1);
  });

  it('is kept for a while after its end, and then gone', async () => {
    let now = 0;
    const clock = { now: () => now };
    const operations = createOperations({ store: createMemoryStore({ clock }), clock, ttlMs: 100 });
    const { id } = await operations.start({ principal: alice, name: 'brief' }, async () => done);
    await until(operations.watch(id, alice));
    now = 99;
    expect(await operations.get(id, alice)).toMatchObject({ status: 'completed' });
    now = 100;
    await expect(operations.get(id, alice)).rejects.toThrow(NotFoundError);
  });

  it('that a dead process left is marked as interrupted', async () => {
    const store = createMemoryStore();
    const { id } = await createOperations({ store }).start({ principal: alice, name: 'lost' }, () => new Promise(() => {}));
    const after = createOperations({ store });
    expect(await after.recover()).toBe(1);
    expect(await after.get(id, alice)).toMatchObject({ status: 'failed', failure: { code: 'INTERRUPTED' } });
    expect(await after.recover()).toBe(0);
  });
});

describe('the states of an operation', () => {
  it('never change once it has ended', () => {
    const event: fc.Arbitrary<OperationEvent> = fc.constantFrom<OperationEvent>(
      { type: 'progressed', progress: { progress: 1 } },
      { type: 'asked', requests: {} },
      { type: 'answered' },
      { type: 'completed', result: done },
      { type: 'failed', code: 'X', message: 'x' },
      { type: 'cancelled' },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        let state: Operation = { id: 'o', owner: 'a', name: 'n', status: 'working', createdAt: '', updatedAt: '', ttlMs: 1 };
        let ended: Operation | undefined;
        for (const each of events) {
          state = transition(state, each, 0) ?? state;
          ended ??= ['completed', 'failed', 'cancelled'].includes(state.status) ? state : undefined;
          expect(state.requests !== undefined).toBe(state.status === 'input_required');
          if (ended !== undefined) expect(state).toBe(ended);
        }
      }),
      { numRuns: 500 },
    );
  });
});
