import { describe, expect, it } from 'vitest';
import { doorOf, mcpRequest } from '../src/faces.ts';
import { createWorld } from '../src/world.ts';

describe('T30: headers that say another thing than the body', () => {
  const call = { name: 'other_read', arguments: {} };
  const cases: readonly (readonly [string, RequestInit])[] = [
    ['another tool', mcpRequest('tools/call', call, { 'mcp-name': 'evolution_write' })],
    ['a tool in other case', mcpRequest('tools/call', call, { 'mcp-name': 'OTHER_READ' })],
    ['a tool with more behind', mcpRequest('tools/call', call, { 'mcp-name': 'other_read, evolution_write' })],
    ['no tool', mcpRequest('tools/call', call, { 'mcp-name': '' })],
    ['another method', mcpRequest('tools/call', call, { 'mcp-method': 'tools/list' })],
    ['another resource', mcpRequest('resources/read', { uri: 'grants://active' }, { 'mcp-name': 'grants://audit' })],
    ['another prompt', mcpRequest('prompts/get', { name: 'one' }, { 'mcp-name': 'two' })],
    ['an admin’s tool in the body', mcpRequest('tools/call', { name: 'evolution_write', arguments: {} }, { 'mcp-name': 'other_read' })],
  ];

  it.each(cases)('%s: 400 before any policy', async (_what, request) => {
    for (const quickCalls of [true, false]) {
      const world = createWorld();
      const { key } = await world.guard.agents.add({ name: 'alice' });
      const { send } = doorOf(world, { key }, 'local', { quickCalls });
      const response = await send('/mcp', request);
      expect([response.status, await response.json()]).toMatchObject([400, { error: { code: -32020 } }]);
      expect(await world.log.list()).toMatchObject([{ kind: 'door', code: 'INVALID_INPUT' }]);
    }
  });
});
