import { createMemoryStore } from '@meshwork/core';
import { createFetchHandler } from '@meshwork/transports/fetch';
import { describe, expect, it } from 'vitest';
import { mcpRequest } from '../src/faces.ts';
import { unreliable } from '../src/unreliable-store.ts';
import { createWorld } from '../src/world.ts';

const AGENTS = 20;
/** What a caller may wait before it is told something. */
const ADMISSION_MS = 200;

describe('a store that goes away while agents call', () => {
  it.each(['failing', 'hanging'] as const)('and is %s: every call is answered that it cannot be served, and all is well when it is back', async (outage) => {
    const { store, turn } = unreliable(createMemoryStore());
    const world = createWorld({ store });
    const keys = await Promise.all(Array.from({ length: AGENTS }, async (_, index) => (await world.guard.agents.add({ name: `agent-${index}` })).key));
    const handler = createFetchHandler(world.hub, { authenticator: world.guard.authenticator, recorder: world.log.door, admissionMs: ADMISSION_MS });
    const call = async (key: string) => {
      const request = mcpRequest('tools/call', { name: 'other_read', arguments: {} }, { host: '127.0.0.1', authorization: `Bearer ${key}` });
      const response = await handler(new Request('http://127.0.0.1/mcp', request), { remoteAddress: '127.0.0.1' });
      return { status: response.status, text: await response.text() };
    };
    const all = () => Promise.all(keys.map(call));
    expect(new Set((await all()).map(({ status }) => status))).toEqual(new Set([200]));

    turn(outage);
    // What was read of the keys is not trusted any longer by now.
    world.clock.advance(6_000);
    const during = all();
    if (outage === 'failing')
      for (const { status, text } of await during) {
        expect(status).toBe(503);
        expect(text).toMatch(/try again/);
      }
    // The refusal waits for its record, which hangs with the store: ten seconds, if it has to.
    else await new Promise((resolve) => setTimeout(resolve, 2 * ADMISSION_MS));

    turn('there');
    for (const { status } of await during) expect(status).toBe(503);
    for (const { status, text } of await all()) {
      expect(status).toBe(200);
      expect(text).toContain('other_read ran');
    }
    expect(await world.log.verify()).toMatchObject({ ok: true });
    await handler.close();
  });
});
