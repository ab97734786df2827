import { createMemoryStore, type Store, UnavailableError } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { type Shown, sessionOf } from '../src/credentials.ts';
import { doorOf, mcpRequest } from '../src/faces.ts';
import { createWorld, type World } from '../src/world.ts';

/** The same store, seen by a hub that can be cut off from what is known of credentials there; its audit log goes on. */
function cuttable(inner: Store): { readonly store: Store; cut(): void; join(): void } {
  let isCut = false;
  const store = new Proxy(inner, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (isCut && ['get', 'put', 'delete', 'list'].includes(String(name))) throw new UnavailableError('the store is away; try again');
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
  const turn = (next: boolean) => () => {
    isCut = next;
  };
  return { store, cut: turn(true), join: turn(false) };
}

/** Two hubs of one store, the second of which can be cut off; and a credential of alice that has just opened the second. */
async function twoHubs(show: (world: World) => Promise<Shown>) {
  const inner = createMemoryStore();
  const { store, cut, join } = cuttable(inner);
  const [first, second] = [createWorld({ store: inner }), createWorld({ store })];
  const shown = await show(first);
  const { send } = doorOf(second, shown, 'local');
  const write = async () => {
    const response = await send('/mcp', mcpRequest('tools/call', { name: 'other_write', arguments: {} }));
    return { status: response.status, ran: (await response.text()).includes('other_write ran') };
  };
  expect(await write()).toEqual({ status: 200, ran: true });
  return { first, second, write, cut, join };
}

const credentials: Readonly<Record<string, (world: World) => Promise<Shown>>> = {
  'an API key': async ({ guard }) => ({ key: (await guard.agents.add({ name: 'alice' })).key }),
  'a session token': async (world) => ({ key: await sessionOf(world, 'alice') }),
  'a client certificate': async ({ guard }) => {
    await guard.agents.add({ name: 'alice' });
    return { facts: { encrypted: true, certificate: { names: ['URI:urn:meshwork:agent:alice'], thumbprint: 'A'.repeat(43) } } };
  },
};

describe.each(Object.entries(credentials))('T11: %s that was revoked on another hub', (what, show) => {
  it('does nothing after five seconds on a hub that cannot hear of it, and nothing when that hub is back', async () => {
    const { first, second, write, cut, join } = await twoHubs(show);
    cut();
    await first.guard.agents.remove('alice');
    // What was read a moment ago is believed that long; a certificate's owner is looked up each time.
    expect(await write()).toMatchObject({ ran: what !== 'a client certificate' });
    second.clock.advance(5_000);
    expect(await write()).toEqual({ status: 503, ran: false });
    join();
    expect(await write()).toEqual({ status: 401, ran: false });
  });

  it('does nothing after five seconds on a hub that hears', async () => {
    const { first, second, write } = await twoHubs(show);
    await first.guard.agents.remove('alice');
    second.clock.advance(5_000);
    expect(await write()).toEqual({ status: 401, ran: false });
  });
});
