import { createMemoryStore, createOperations, inProcessPrincipal, type Operation, type Operations, type Store, toolAnswer } from '@meshwork/core';
import { describe, expect, it } from 'vitest';

const alice = inProcessPrincipal('alice');
const manualClock = () => {
  let now = Date.now();
  const advance = (ms: number) => {
    now += ms;
  };
  return { now: () => now, advance };
};
const done = toolAnswer([{ type: 'text', text: 'done' }]);
const forever = ({ signal }: { signal: AbortSignal }) =>
  new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
const show = ({ name, status, failure }: Operation) => [name, status, ...(failure === undefined ? [] : [failure.code])].join(' ');
const ended = async (operations: Operations, id: string) => {
  for await (const _ of operations.watch(id, alice));
};
const kept = async (store: Store) => {
  const entries: unknown[] = [];
  for await (const entry of store.list('core/operation/')) entries.push(entry);
  return entries;
};

describe('what becomes of operations', () => {
  it('is told: their start, their questions and every way they end, and a listener that throws disturbs nothing', async () => {
    const told: string[] = [];
    const errors: unknown[] = [];
    const operations = createOperations({
      store: createMemoryStore(),
      announceEnd: async (operation) => void told.push(`ended ${show(operation)}`),
      onError: (error) => errors.push(error),
    });
    operations.events.on('operation-started', () => {
      throw new Error('a listener that fails');
    });
    operations.events.on('operation-started', ({ operation }) => told.push(`started ${show(operation)}`));
    operations.events.on('input-required', ({ operation }) => told.push(`asked ${Object.keys(operation.requests ?? {})}`));
    const asking = await operations.start({ principal: alice, name: 'asking' }, async ({ ask }) => {
      await ask({ colour: { method: 'elicitation/create' } });
      return done;
    });
    await expect.poll(() => told).toContain('asked colour');
    await operations.answer(asking.id, alice, { colour: 'red' });
    await expect.poll(() => told).toEqual(['started asking working', 'asked colour', 'ended asking completed']);
    const failing = await operations.start({ principal: alice, name: 'failing' }, () => Promise.reject(new Error('no')));
    await ended(operations, failing.id);
    const cancelled = await operations.start({ principal: alice, name: 'cancelled' }, forever);
    await operations.cancel(cancelled.id, alice);
    await operations.start({ principal: alice, name: 'interrupted' }, forever);
    await operations.close();
    expect(told.filter((line) => line.startsWith('ended')).toSorted()).toEqual([
      'ended asking completed',
      'ended cancelled cancelled',
      'ended failing failed INTERNAL',
      'ended interrupted failed INTERRUPTED',
    ]);
    expect(errors.map(String)).toEqual(Array.from({ length: 4 }).fill('Error: a listener that fails'));
  });

  it('is told of an end whose hub died before it could, however late it is back, and then no more', async () => {
    const clock = manualClock();
    const store = createMemoryStore({ clock });
    let reached = 0;
    const first = createOperations({ store, clock, hub: 'local', announceEnd: () => new Promise(() => (reached += 1)) });
    const { id } = await first.start({ principal: alice, name: 'report' }, async () => done);
    await ended(first, id);
    await expect.poll(() => reached).toBe(1);
    clock.advance(7 * 86_400_000);
    const told: string[] = [];
    const options = { store, clock, hub: 'local', announceEnd: async (operation: Operation) => void told.push(show(operation)) };
    const second = createOperations(options);
    await second.recover();
    expect(told).toEqual(['report completed']);
    expect(await second.get(id, alice)).not.toHaveProperty('isAnnounced');
    await second.recover();
    await createOperations(options).recover();
    expect(told).toEqual(['report completed']);
    clock.advance(3_600_000);
    expect(await kept(store)).toEqual([]);
  });

  it('is told again when it could not be kept, and of what is lost with its hub', async () => {
    const store = createMemoryStore();
    const told: string[] = [];
    const errors: unknown[] = [];
    let isAway = true;
    const options = {
      store,
      hub: 'local',
      announceEnd: async (operation: Operation) => {
        if (isAway) throw new Error('the log is away');
        told.push(show(operation));
      },
      onError: (error: unknown) => errors.push(error),
    };
    const dying = createOperations(options);
    await dying.start({ principal: alice, name: 'lost' }, forever);
    const { id } = await dying.start({ principal: alice, name: 'kept' }, async () => done);
    await ended(dying, id);
    await expect.poll(() => errors.map(String)).toEqual(['Error: the log is away']);
    isAway = false;
    expect(await createOperations(options).recover()).toBe(1);
    expect(told.toSorted()).toEqual(['kept completed', 'lost failed INTERRUPTED']);
  });

  it('is told by another hub only when the one that saw the end has had its time', async () => {
    const clock = manualClock();
    const store = createMemoryStore({ clock });
    const dying = createOperations({ store, clock, hub: 'a', announceEnd: () => new Promise(() => {}) });
    const { id } = await dying.start({ principal: alice, name: 'report' }, async () => done);
    await ended(dying, id);
    const told: string[] = [];
    const other = createOperations({ store, clock, hub: 'b', announceEnd: async (operation) => void told.push(show(operation)) });
    await other.recover();
    expect(told).toEqual([]);
    clock.advance(30_000);
    await other.recover();
    expect(told).toEqual(['report completed']);
  });
});
