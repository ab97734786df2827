import { createMemoryStore, type Principal, type Store } from '@meshwork/core';
import { createEvents, type EventsOptions } from '@meshwork/events';
import { type ManualClock, manualClock } from '@meshwork/testing';

export const ana: Principal = { id: 'ana', kind: 'agent', roles: [], zone: 'local', trust: 0.9, method: 'api-key', actsFor: [] };
export const bo: Principal = { ...ana, id: 'bo' };
export const root: Principal = { ...ana, id: 'root', kind: 'user', roles: ['admin'] };
export const nobody: Principal = { ...ana, id: 'nobody', kind: 'anonymous', method: 'none' };

/** Opens a store that nobody else has. */
export type OpenStore = (clock?: ManualClock) => Promise<Store>;

export const inMemory: OpenStore = async (clock) => createMemoryStore(clock === undefined ? {} : { clock });

/** Events on a store of their own, with a clock that stands still. */
export async function createWorld({ open = inMemory, ...options }: Partial<EventsOptions> & { readonly open?: OpenStore } = {}) {
  const clock = manualClock();
  const store = await open(clock);
  const errors: unknown[] = [];
  const events = createEvents({ journal: store, store, clock, onError: (error) => errors.push(error), ...options });
  const publish = async (count: number, more: object = {}) => {
    for (let n = 0; n < count; n++) await events.publish({ type: 'test.counted', visibility: 'public', data: { n }, ...more });
  };
  const take = async (name: string, limit = 32) => (await events.subscriptions.take(ana, name, limit)).deliveries;
  return { clock, store, errors, events, publish, take };
}

/** Waits, in real time, until it is so. */
export async function until(isSo: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not so after ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
