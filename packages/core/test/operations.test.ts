import {
  CancelledError,
  ClosedError,
  ConflictError,
  createMemoryStore,
  createOperations,
  InvalidInputError,
  inProcessPrincipal,
  NotFoundError,
  type Operation,
  type OperationContext,
  type OperationEvent,
  type Operations,
  toolAnswer,
  transition,
  UnavailableError,
} from '@meshwork/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const alice = inProcessPrincipal('alice');
const bob = inProcessPrincipal('bob');
const done = toolAnswer([{ type: 'text', text: 'done' }]);
const forever = ({ signal }: { signal: AbortSignal }) =>
  new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const reaches = async (operations: Operations, id: string, status: Operation['status']) => {
  for await (const state of operations.watch(id, alice)) if (state.status === status) return state;
  throw new Error(`it ended before it was ${status}`);
};
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

  it('belongs to a principal of one kind: the same id of another kind is somebody else', async () => {
    const operations = createOperations({ store: createMemoryStore() });
    const { id, owner } = await operations.start({ principal: alice, name: 'mine' }, async () => done);
    expect(owner).toBe('user:alice');
    const agent = { ...alice, kind: 'agent' as const };
    await expect(operations.get(id, agent)).rejects.toThrow(NotFoundError);
    expect(await operations.list(agent)).toEqual([]);
  });

  it('of a caller without a credential is found by its id only', async () => {
    const operations = createOperations({ store: createMemoryStore() });
    const nobody = { ...alice, id: 'anonymous', kind: 'anonymous' as const };
    const { id } = await operations.start({ principal: nobody, name: 'mine' }, async () => done);
    expect(await operations.get(id, nobody)).toMatchObject({ id });
    expect(await operations.list(nobody)).toEqual([]);
  });

  it('takes its answers one at a time, and ignores what it did not ask', async () => {
    const operations = createOperations({ store: createMemoryStore() });
    const { id } = await operations.start({ principal: alice, name: 'ask' }, async ({ ask }) => {
      const { a, b } = await ask({ a: { method: 'roots/list' }, b: { method: 'roots/list' } });
      return toolAnswer([{ type: 'text', text: `${a}${b}` }]);
    });
    await reaches(operations, id, 'input_required');
    expect(await operations.answer(id, alice, { c: 'x' })).toMatchObject({ status: 'input_required' });
    const half = await operations.answer(id, alice, { b: 'y', c: 'x' });
    expect(half).toMatchObject({ status: 'input_required' });
    expect(Object.keys(half.requests ?? {})).toEqual(['a']);
    expect(await operations.answer(id, alice, { a: 'x', b: 'late' })).toMatchObject({ status: 'working' });
    expect(await reaches(operations, id, 'completed')).toMatchObject({ result: { content: [{ text: 'xy' }] } });
  });

  it('puts the first and the last of many steps on record, and few between', async () => {
    const operations = createOperations({ store: createMemoryStore() });
    const { id } = await operations.start({ principal: alice, name: 'steps' }, async ({ progress }) => {
      for (let step = 1; step <= 1_000; step += 1) await progress({ progress: step, total: 1_000 });
      return done;
    });
    const seen: Array<number | undefined> = [];
    for await (const { progress } of operations.watch(id, alice)) seen.push(progress?.progress);
    expect(seen.at(-1)).toBe(1_000);
    expect(seen.length).toBeLessThan(100);
  });

  it('never gives one key to two questions', async () => {
    const operations = createOperations({ store: createMemoryStore() });
    const { id } = await operations.start({ principal: alice, name: 'ask' }, async ({ ask }) => {
      const names: unknown[] = [];
      for (let round = 0; round < 3; round += 1) names.push((await ask({ name: { method: 'roots/list' } })).name);
      return toolAnswer([{ type: 'text', text: names.join() }]);
    });
    const keys: string[] = [];
    for await (const { status, requests } of operations.watch(id, alice)) {
      if (status !== 'input_required') continue;
      const key = Object.keys(requests ?? {})[0]!;
      keys.push(key);
      await operations.answer(id, alice, { [key]: key });
    }
    expect(keys).toEqual(['name', 'name-2', 'name-3']);
    expect(await operations.get(id, alice)).toMatchObject({ result: { content: [{ text: 'name,name-2,name-3' }] } });
  });

  it('asks one thing after another', async () => {
    const operations = createOperations({ store: createMemoryStore() });
    const { id } = await operations.start({ principal: alice, name: 'ask' }, async ({ ask }) => {
      const first = ask({ name: { method: 'roots/list' } });
      await expect(ask({ other: { method: 'roots/list' } })).rejects.toThrow(ConflictError);
      await first;
      return done;
    });
    await reaches(operations, id, 'input_required');
    await operations.answer(id, alice, { name: 1 });
    await reaches(operations, id, 'completed');
  });

  it('is watched alone, whatever ids begin like its own', async () => {
    let count = 0;
    const operations = createOperations({ store: createMemoryStore(), ids: (prefix) => `${prefix}_${[1, 10, 100][count++]}`, hub: 'h' });
    let finish: () => void = () => {};
    const { id } = await operations.start({ principal: alice, name: 'one' }, async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return done;
    });
    const states = until(operations.watch(id, alice));
    const other = await operations.start({ principal: bob, name: 'ten' }, async () => done);
    expect([id, other.id]).toEqual(['op_1', 'op_10']);
    await until(operations.watch(other.id, bob));
    finish();
    expect(await states).toEqual(['working', 'completed']);
  });

  it('is refused when its owner has too many', async () => {
    const operations = createOperations({ store: createMemoryStore(), maxPerOwner: 1 });
    const { id } = await operations.start({ principal: alice, name: 'one' }, forever);
    await expect(operations.start({ principal: alice, name: 'two' }, forever)).rejects.toThrow(UnavailableError);
    await operations.start({ principal: bob, name: 'other' }, forever);
    await operations.cancel(id, alice);
    await settled();
    await operations.start({ principal: alice, name: 'two' }, forever);
    await operations.close();
  });
});

describe('hubs over one store', () => {
  it('hand an answer to the hub that does the work', async () => {
    const store = createMemoryStore();
    const [worker, other] = [createOperations({ store }), createOperations({ store })];
    const { id } = await worker.start({ principal: alice, name: 'ask' }, async ({ ask }) =>
      toolAnswer([{ type: 'text', text: String((await ask({ name: { method: 'roots/list' } })).name) }]),
    );
    await reaches(other, id, 'input_required');
    expect(await other.answer(id, alice, { name: 'Ada' })).toMatchObject({ status: 'working', responses: { name: 'Ada' } });
    expect(await reaches(other, id, 'completed')).toMatchObject({ result: { content: [{ text: 'Ada' }] } });
  });

  it('stop the work on the hub that does it', async () => {
    const store = createMemoryStore();
    const [worker, other] = [createOperations({ store }), createOperations({ store })];
    let reason: unknown;
    const { id } = await worker.start({ principal: alice, name: 'slow' }, async ({ signal }) => {
      await forever({ signal }).catch((error) => {
        reason = error;
      });
      return done;
    });
    await settled();
    expect(await other.cancel(id, alice)).toMatchObject({ status: 'cancelled' });
    await settled();
    expect(reason).toBeInstanceOf(CancelledError);
    expect(await worker.get(id, alice)).toMatchObject({ status: 'cancelled' });
  });

  it('hear what they missed while the store did not answer', async () => {
    const store = createMemoryStore();
    let breaks = 1;
    const faulty: typeof store = {
      ...store,
      async *watch(prefix, options) {
        for await (const change of store.watch(prefix, options)) {
          if (breaks-- > 0) throw new UnavailableError('the store is gone');
          yield change;
        }
      },
    };
    const errors: unknown[] = [];
    const worker = createOperations({ store: faulty, onError: (error) => errors.push(error) });
    const { id } = await worker.start({ principal: alice, name: 'ask' }, async ({ ask }) => {
      await ask({ name: { method: 'roots/list' } });
      return done;
    });
    const other = createOperations({ store });
    await reaches(other, id, 'input_required');
    await other.answer(id, alice, { name: 1 });
    await reaches(other, id, 'completed');
    expect(errors).toHaveLength(1);
    await worker.close();
  });

  it('leave alone what a living hub works on, and give up what a dead one left', async () => {
    let now = 0;
    const clock = { now: () => now };
    const store = createMemoryStore({ clock });
    const worker = createOperations({ store, clock, leaseMs: 30_000 });
    const { id } = await worker.start({ principal: alice, name: 'long' }, forever);
    const other = createOperations({ store, clock });
    expect(await other.recover()).toBe(0);
    expect(await other.get(id, alice)).toMatchObject({ status: 'working' });
    now = 30_000;
    expect(await other.recover()).toBe(1);
    expect(await other.get(id, alice)).toMatchObject({ status: 'failed', failure: { code: 'INTERRUPTED' } });
    expect(await other.recover()).toBe(0);
    await worker.close();
  });

  it('know at once what they lost, when they have a lasting name', async () => {
    const store = createMemoryStore();
    const { id } = await createOperations({ store, hub: 'one' }).start({ principal: alice, name: 'lost' }, forever);
    const after = createOperations({ store, hub: 'one' });
    expect(await after.recover()).toBe(1);
    expect(await after.get(id, alice)).toMatchObject({ status: 'failed', failure: { code: 'INTERRUPTED' } });
  });

  it('renew their lease for as long as they work', async () => {
    const store = createMemoryStore();
    const worker = createOperations({ store, leaseMs: 60 });
    const { id } = await worker.start({ principal: alice, name: 'long' }, forever);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await createOperations({ store }).recover()).toBe(0);
    expect(await worker.get(id, alice)).toMatchObject({ status: 'working' });
    await worker.close();
  });
});

describe('sweeping', () => {
  it('gives up what nobody answers', async () => {
    let now = 0;
    const clock = { now: () => now };
    const operations = createOperations({ store: createMemoryStore(), clock, answerWithinMs: 100 });
    let reason: unknown;
    const { id } = await operations.start({ principal: alice, name: 'ask' }, async ({ ask }) => {
      await ask({ name: { method: 'roots/list' } }).catch((error) => {
        reason = error;
      });
      return done;
    });
    await reaches(operations, id, 'input_required');
    now = 99;
    expect(await operations.recover()).toBe(0);
    now = 100;
    expect(await operations.recover()).toBe(1);
    expect(await operations.get(id, alice)).toMatchObject({ status: 'failed', failure: { code: 'EXPIRED' } });
    await settled();
    expect(reason).toBeInstanceOf(CancelledError);
  });

  it('drops what has been kept long enough, also from a store that has not', async () => {
    let now = 0;
    const operations = createOperations({ store: createMemoryStore(), clock: { now: () => now }, ttlMs: 100_000 });
    const { id } = await operations.start({ principal: alice, name: 'brief' }, async () => done);
    await until(operations.watch(id, alice));
    now = 99_999;
    await operations.recover();
    expect(await operations.list(alice)).toHaveLength(1);
    now = 100_000;
    await operations.recover();
    expect(await operations.list(alice)).toEqual([]);
  });

  it('happens by itself', async () => {
    const store = createMemoryStore();
    const { id } = await createOperations({ store, leaseMs: 20, hub: 'dead' }).start({ principal: alice, name: 'lost' }, forever);
    await store.delete('core/operation-hub/dead');
    const after = createOperations({ store, sweepMs: 10, hub: 'dead' });
    expect(await after.recover()).toBe(1);
    expect(await after.get(id, alice)).toMatchObject({ status: 'failed' });
    const { id: later } = await createOperations({ store, hub: 'dead' }).start({ principal: alice, name: 'lost too' }, forever);
    expect(await reaches(after, later, 'failed')).toMatchObject({ failure: { code: 'INTERRUPTED' } });
    await after.close();
  });
});

describe('closing', () => {
  it('ends what runs as interrupted, and stops it', async () => {
    const operations = createOperations({ store: createMemoryStore() });
    let reason: unknown;
    const { id } = await operations.start({ principal: alice, name: 'long' }, async ({ signal }) => {
      await forever({ signal }).catch((error) => {
        reason = error;
      });
      return done;
    });
    await settled();
    await operations.close();
    expect(await operations.get(id, alice)).toMatchObject({ status: 'failed', failure: { code: 'INTERRUPTED' } });
    expect(reason).toBeInstanceOf(CancelledError);
  });

  it('lets nothing begin or ask any more', async () => {
    const operations = createOperations({ store: createMemoryStore() });
    let asked: Promise<unknown> | undefined;
    await operations.start({ principal: alice, name: 'long' }, async ({ signal, ask }) => {
      await forever({ signal }).catch(() => {});
      asked = ask({ name: { method: 'roots/list' } });
      await asked.catch(() => {});
      return done;
    });
    await settled();
    await operations.close();
    await expect(asked).rejects.toThrow(CancelledError);
    await expect(operations.start({ principal: alice, name: 'new' }, forever)).rejects.toThrow(ClosedError);
    await operations.close();
  });

  it('ends, also while the store hangs', async () => {
    const store = createMemoryStore();
    const operations = createOperations({ store, graceMs: 20 });
    await operations.start({ principal: alice, name: 'report' }, forever);
    const hang = () => new Promise<never>(() => {});
    Object.assign(store, { get: hang, put: hang, delete: hang });
    const started = performance.now();
    await operations.close();
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('does not wait for ever for work that does not listen', async () => {
    const operations = createOperations({ store: createMemoryStore(), graceMs: 20 });
    const { id } = await operations.start({ principal: alice, name: 'deaf' }, () => new Promise(() => {}));
    await settled();
    await operations.close();
    expect(await operations.get(id, alice)).toMatchObject({ status: 'failed', failure: { code: 'INTERRUPTED' } });
  });
});

describe('the states of an operation', () => {
  it('never change once it has ended', () => {
    const event: fc.Arbitrary<OperationEvent> = fc.constantFrom<OperationEvent>(
      { type: 'progressed', progress: { progress: 1 } },
      { type: 'asked', requests: { a: { method: 'roots/list' }, b: { method: 'roots/list' } } },
      { type: 'answered', responses: { a: 1 } },
      { type: 'completed', result: done },
      { type: 'failed', code: 'X', message: 'x' },
      { type: 'cancelled' },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        let state: Operation = { id: 'o', owner: 'user:a', hub: 'h', name: 'n', status: 'working', createdAt: '', updatedAt: '', ttlMs: 1 };
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

  it('follow one another as the extension allows, whatever two hubs do at the same time', { timeout: 60_000 }, async () => {
    const next: Record<string, readonly string[]> = {
      working: ['working', 'input_required', 'completed', 'failed', 'cancelled'],
      input_required: ['input_required', 'working', 'completed', 'failed', 'cancelled'],
    };
    const action = fc.record({ hub: fc.nat(1), what: fc.constantFrom('ask', 'answer-one', 'answer-all', 'cancel', 'progress', 'finish', 'fail', 'recover') });
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 15 }), fc.boolean(), async (actions, close) => {
        const store = createMemoryStore();
        const hubs = [createOperations({ store }), createOperations({ store })] as const;
        const orders: Array<() => void> = [];
        let context: OperationContext | undefined;
        const { id } = await hubs[0].start({ principal: alice, name: 'any' }, async (given) => {
          context = given;
          return new Promise((resolve, reject) => {
            given.signal.addEventListener('abort', () => reject(given.signal.reason));
            orders.push(
              () => resolve(done),
              () => reject(new InvalidInputError('no')),
            );
          });
        });
        const seen: Operation[] = [];
        const watching = (async () => {
          for await (const state of hubs[1].watch(id, alice)) seen.push(state);
        })();
        await settled();
        const steps = actions.map(async ({ hub, what }) => {
          const operations = hubs[hub]!;
          if (what === 'ask') await context?.ask({ a: { method: 'roots/list' }, b: { method: 'roots/list' } });
          else if (what === 'progress') await context?.progress({ progress: 1 });
          else if (what === 'finish') orders[0]?.();
          else if (what === 'fail') orders[1]?.();
          else if (what === 'recover') await operations.recover();
          else if (what === 'cancel') await operations.cancel(id, alice);
          else {
            const open = Object.keys((await operations.get(id, alice)).requests ?? {});
            await operations.answer(id, alice, Object.fromEntries((what === 'answer-one' ? open.slice(0, 1) : open).map((key) => [key, key])));
          }
        });
        for (const each of steps) each.catch(() => {});
        await settled();
        if (close) await hubs[0].close();
        await hubs[1].cancel(id, alice);
        await watching;
        for (const [index, { status, requests }] of seen.entries()) {
          expect(requests !== undefined).toBe(status === 'input_required');
          const before = seen[index - 1];
          if (before !== undefined) expect(next[before.status] ?? []).toContain(status);
        }
        expect(['completed', 'failed', 'cancelled']).toContain(seen.at(-1)?.status);
        expect(await hubs[0].get(id, alice)).toEqual(seen.at(-1));
        await Promise.all(hubs.map((hub) => hub.close()));
        expect(await hubs[0].get(id, alice)).toEqual(seen.at(-1));
      }),
      { numRuns: 200 },
    );
  });
});
