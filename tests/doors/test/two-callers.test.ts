import { describe, expect, it } from 'vitest';
import { doorOf, mcpRequest } from '../src/faces.ts';
import { agentAt, ask, post } from '../src/requests.ts';
import { createWorld, type World } from '../src/world.ts';

describe('T31: two callers of one hub', () => {
  const admin = async (world: World) => doorOf(world, { key: await world.guard.createAdminKey() }, 'local');
  const lists = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list', 'server/discover'];

  it.each([true, false])('see their own lists, whoever asked before (quick: %s), and no cache may share them', async (quickCalls) => {
    const world = createWorld();
    const { key } = await world.guard.agents.add({ name: 'alice' });
    const alice = doorOf(world, { key }, 'local', { quickCalls });
    const boss = doorOf(world, { key: await world.guard.createAdminKey() }, 'local', { handler: alice.send.handler });
    const of = async (caller: typeof alice, method: string) =>
      (await (await caller.send('/mcp', mcpRequest(method))).json()) as { result: { tools?: { name: string }[] } };
    for (let round = 0; round < 3; round++) {
      const [hers, all] =
        round % 2 === 0
          ? [await of(alice, 'tools/list'), await of(boss, 'tools/list')]
          : [await of(boss, 'tools/list'), await of(alice, 'tools/list')].reverse();
      const names = (answer: typeof hers) => (answer?.result.tools ?? []).map(({ name }) => name);
      expect(names(all)).toContain('agent_add');
      expect(names(hers)).toContain('other_write');
      for (const hidden of ['agent_add', 'audit_list', 'evolution_read', 'monitoring_write']) expect(names(hers)).not.toContain(hidden);
    }
    for (const method of lists) expect(await of(alice, method)).toMatchObject({ result: { cacheScope: 'private' } });
  });

  it('see their own lists over REST, which no cache keeps', async () => {
    const world = createWorld();
    const [alice, boss] = [await agentAt(world, 'alice'), await admin(world)];
    for (const path of ['/mcp/tools', '/api/tools', '/openapi.json']) {
      const [all, hers] = [await boss.send(path, { method: 'GET' }), await alice.send(path, { method: 'GET' })];
      expect([all.headers.get('cache-control'), hers.headers.get('cache-control')]).toEqual(['no-store', 'no-store']);
      expect(await all.text()).toContain('agent_add');
      expect(await hers.text()).not.toContain('agent_add');
    }
    expect((await alice.send('/mcp/tools/agent_add', { method: 'GET' })).status).toBe(404);
    expect((await boss.send('/mcp/tools/agent_add', { method: 'GET' })).status).toBe(200);
  });

  it('see nothing of each other in what goes wrong', async () => {
    const world = createWorld();
    const [alice, bob] = [await agentAt(world, 'alice'), await agentAt(world, 'bob')];
    for (const [path, body] of [
      ['/mcp/tools/evolution_read', {}],
      ['/mcp/tools/no_such_tool', {}],
      ['/mcp/tools/request_permission', ask('carol')],
      ['/mcp/tools/request_permission', { agent_id: 'Carol' }],
      ['/mcp/tools/other_read', { text: 5 }],
    ] as const) {
      const [first, second] = [await alice.send(path, post(body)), await bob.send(path, post(body))];
      const [hers, his] = [await first.text(), await second.text()];
      expect(second.status).toBe(first.status);
      expect(his).not.toContain('alice');
      expect(hers).not.toContain('bob');
      expect(his).toBe(hers.replaceAll('alice', 'bob'));
    }
  });
});
