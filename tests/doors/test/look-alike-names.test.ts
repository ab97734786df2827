import { describe, expect, it } from 'vitest';
import { doorOf } from '../src/faces.ts';
import { agentAt, ask, post } from '../src/requests.ts';
import { createWorld } from '../src/world.ts';

describe('T14: names that look like another agent’s', () => {
  const twins = [
    '\u0430lice',
    'al\u0131ce',
    'a\uff4cice',
    '\uff41\uff4c\uff49\uff43\uff45',
    'ali\u200bce',
    'alice\u200d',
    '\ufeffalice',
    '\u202eecila',
    'ali\u0441e',
    'alic\u00e9',
    'alice\u0301',
    'alice\u00ad',
    'alice ',
    ' alice',
    'alice\n',
    'alice\0',
    'Alice',
    'ALICE',
    'al\u017fce',
    'a\ud835\udcc1ice',
    'alice\u{e0061}',
    'al%69ce',
    'alice/../alice',
  ];

  it.each(twins.map((twin) => [JSON.stringify(twin), twin]))('%s is refused and never mended', async (_shown, twin) => {
    const world = createWorld();
    const { send } = await agentAt(world, 'alice');
    const admin = doorOf(world, { key: await world.guard.createAdminKey() }, 'local');
    const statuses = [
      await admin.send('/mcp/tools/agent_add', post({ agent_id: twin })),
      await admin.send('/mcp/tools/agent_rotate_key', post({ agent_id: twin })),
      await admin.send('/mcp/tools/agent_remove', post({ agent_id: twin })),
      await admin.send('/mcp/tools/request_permission', post(ask(twin))),
      await send('/mcp/tools/request_permission', post(ask(twin))),
    ].map(({ status }) => status);
    expect(statuses).toEqual([400, 400, 400, 400, 400]);
    expect((await world.guard.agents.list()).map(({ name }) => name)).toEqual(['alice']);
    expect(await world.guard.grants.list()).toEqual([]);
    expect(await world.log.list()).toHaveLength(5);
  });
});
