import { describe, expect, it } from 'vitest';
import { doorOf, mcpRequest } from '../src/faces.ts';
import { createWorld } from '../src/world.ts';

const ask = { agent_id: 'alice', resource_type: 'SAP_API', justification: 'quarterly figures' };
const post = (body: object): RequestInit => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

describe('T10: a hub whose clock has jumped', () => {
  it('says so to whoever asks for a grant, and when to come back, and leaves one record of each', async () => {
    const world = createWorld();
    const { key } = await world.guard.agents.add({ name: 'alice' });
    const { send } = doorOf(world, { key }, 'local');
    world.clock.jump(3_600_000);
    const refused = await send('/mcp/tools/request_permission', post(ask));
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
    expect(await refused.json()).toMatchObject({ code: 'CLOCK_UNSURE', detail: expect.stringContaining('try again in 10 s') });
    const overMcp = await send('/mcp', mcpRequest('tools/call', { name: 'request_permission', arguments: ask }));
    expect(await overMcp.json()).toMatchObject({ result: { isError: true, structuredContent: { code: 'CLOCK_UNSURE', retryAfterMs: 10_000 } } });
    expect(await world.log.list()).toMatchObject([{ outcome: 'failed' }, { outcome: 'failed' }]);
    expect(await world.guard.grants.list()).toEqual([]);
    world.clock.advance(10_000);
    expect((await send('/mcp/tools/request_permission', post(ask))).status).toBe(200);
    world.clock.jump(-3_600_000);
    expect((await send('/mcp/tools/request_permission', post(ask))).headers.get('retry-after')).toBeNull();
    // What does not expire goes on.
    expect((await send('/mcp/tools/other_write', post({}))).status).toBe(200);
    await world.hub.close();
  });
});
