import { describe, expect, it } from 'vitest';
import { doorOf } from '../src/faces.ts';
import { agentAt, ask, post } from '../src/requests.ts';
import { createWorld } from '../src/world.ts';

describe('T15: an agent with another’s grant', () => {
  it('can neither use it, end it nor see it', async () => {
    const world = createWorld();
    const [alice, bob] = [await agentAt(world, 'alice'), await agentAt(world, 'bob')];
    const granted = (await (await bob.send('/mcp/tools/request_permission', post(ask('bob')))).json()) as { structuredContent: { token: string } };
    const { token } = granted.structuredContent;
    const check = async (agent_id: string) =>
      (await (await alice.send('/mcp/tools/validate_token', post({ token, agent_id, resource_type: 'SAP_API' }))).json()) as object;
    expect(await check('alice')).toMatchObject({ structuredContent: { valid: false } });
    const revoked = await alice.send('/mcp/tools/revoke_token', post({ token }));
    expect((await revoked.json()) as object).toMatchObject({ structuredContent: { revoked: false } });
    expect(await check('bob')).toMatchObject({ structuredContent: { valid: true } });
    const unknown = await alice.send('/mcp/tools/revoke_token', post({ token: `gt_${'A'.repeat(43)}` }));
    expect(((await unknown.json()) as { structuredContent: object }).structuredContent).toEqual({ revoked: false });
    for (const uri of ['grants://active', 'grants://audit']) {
      const shown = await alice.send(`/mcp/resources/${encodeURIComponent(uri)}`, { method: 'GET' });
      expect(await shown.text()).not.toContain('bob');
    }
  });

  it('can neither read nor post to another’s session', async () => {
    const world = createWorld();
    const alice = await agentAt(world, 'alice');
    const bob = doorOf(world, { key: (await world.guard.agents.add({ name: 'bob' })).key }, 'local', { handler: alice.send.handler });
    const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'old', version: '1' } };
    const old = { accept: 'application/json, text/event-stream' };
    const opened = await alice.send('/mcp', post({ jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize }, old));
    const session = { ...old, 'mcp-session-id': String(opened.headers.get('mcp-session-id')), 'mcp-protocol-version': '2025-11-25' };
    for (const request of [
      post({ jsonrpc: '2.0', id: 2, method: 'tools/list' }, session),
      { method: 'GET', headers: session },
      { method: 'DELETE', headers: session },
    ])
      expect((await bob.send('/mcp', request)).status).toBe(404);
    expect((await alice.send('/mcp', post({ jsonrpc: '2.0', id: 2, method: 'tools/list' }, session))).status).toBe(200);
    await alice.send.handler.close();
  });
});
