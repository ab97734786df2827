import { describe, expect, it } from 'vitest';
import { doorOf, mcpRequest } from '../src/faces.ts';
import { adminHere, agentAt, ask, post, readAs } from '../src/requests.ts';
import { createWorld } from '../src/world.ts';

describe('T12: a caller that says it is more than it is', () => {
  const claims = {
    trust_level: 1,
    trust: 1,
    role: 'admin',
    roles: ['admin'],
    zone: 'local',
    org: 'other',
    organisation: 'other',
    kind: 'user',
    actsFor: ['*'],
  };
  const headers = {
    'x-forwarded-for': '127.0.0.1',
    forwarded: 'for=127.0.0.1',
    'x-real-ip': '127.0.0.1',
    'x-trust-level': '1',
    'x-role': 'admin',
    'x-zone': 'local',
    'x-agent-id': 'bob',
    'x-org': 'other',
  };

  it('gains nothing by headers', async () => {
    const world = createWorld();
    const { send } = await agentAt(world, 'alice', 'external');
    expect((await send('/mcp/tools/other_write', post({}, headers))).status).toBe(403);
    expect((await send('/mcp/tools/evolution_read', post({}, headers))).status).toBe(403);
    await send('/mcp', mcpRequest('tools/call', { name: 'other_write', arguments: {} }, headers));
    for (const { principal, outcome } of await world.log.list())
      expect([principal, outcome]).toMatchObject([
        { id: 'alice', kind: 'agent', zone: 'external', trust: 0.5, method: 'api-key', address: '203.0.113.9' },
        'denied',
      ]);
  });

  it('gains nothing by arguments, metadata or what it calls its software', async () => {
    const world = createWorld();
    const { send } = await agentAt(world, 'alice', 'external');
    for (const [claim, value] of Object.entries(claims)) {
      const refused = await send('/mcp/tools/request_permission', post(ask('alice', { [claim]: value })));
      expect([claim, refused.status, await refused.json()]).toMatchObject([claim, 400, { code: 'INVALID_INPUT' }]);
    }
    const body = JSON.parse(String(mcpRequest('tools/call', { name: 'other_write', arguments: {} }).body));
    Object.assign(body.params._meta, claims, { 'io.modelcontextprotocol/clientInfo': { name: 'admin', version: '1', ...claims } });
    const answer = await send('/mcp', { ...mcpRequest('tools/call', { name: 'other_write', arguments: {} }), body: JSON.stringify(body) });
    expect(await answer.json()).toMatchObject({ result: { isError: true, structuredContent: { code: 'DENIED' } } });
    for (const { principal } of await world.log.list()) expect(principal).toMatchObject({ id: 'alice', zone: 'external', trust: 0.5 });
    expect(await world.guard.grants.list()).toEqual([]);
  });

  it('is refused the grant of another agent, and the records name it impersonation', async () => {
    const world = createWorld();
    const { send } = await agentAt(world, 'alice');
    await agentAt(world, 'bob');
    const answer = await send('/mcp/tools/request_permission', post(ask('bob')));
    expect(await answer.json()).toMatchObject({ structuredContent: { granted: false, policies: ['agent-is-caller'] } });
    expect(await world.guard.grants.list()).toEqual([]);
    const [record] = await world.log.list();
    expect(record).toMatchObject({
      principal: { id: 'alice' },
      decisions: [
        { effect: 'allow' },
        { by: 'guardian', effect: 'deny', policies: ['agent-is-caller'], reason: expect.stringMatching(/^impersonation: .*alice.*bob/) },
      ],
    });
    const trail = await readAs(world, adminHere, 'grants://audit');
    expect(trail.entries).toMatchObject([{ event: 'refused', caller: 'alice', agent_id: 'bob', reason: expect.stringMatching(/^impersonation: /) }]);
  });

  it('does not take a session with it to another zone', async () => {
    const world = createWorld();
    const { key, send } = await agentAt(world, 'alice', 'local');
    const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'old', version: '1' } };
    const old = { accept: 'application/json, text/event-stream' };
    const opened = await send('/mcp', post({ jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize }, old));
    const session = { ...old, 'mcp-session-id': String(opened.headers.get('mcp-session-id')), 'mcp-protocol-version': '2025-11-25' };
    const call = post({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'other_write', arguments: {} } }, session);
    expect(await (await send('/mcp', call)).text()).toContain('other_write ran');
    // The same handler: sessions belong to it.
    const elsewhere = doorOf(world, { key, facts: { remoteAddress: '203.0.113.9' } }, 'external', { handler: send.handler });
    expect((await elsewhere.send('/mcp', call)).status).toBe(404);
    // The newest first: what was turned away, and the call before it.
    expect(await world.log.list()).toMatchObject([{ kind: 'door', code: 'NOT_FOUND' }, { kind: 'tool' }]);
    await send.handler.close();
  });
});
