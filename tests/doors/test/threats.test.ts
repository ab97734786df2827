import type { Principal, Zone } from '@meshwork/core';
import { createMemoryStore } from '@meshwork/core';
import { serveHttp } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { doorOf, mcpRequest } from '../src/faces.ts';
import { rawRequest } from '../src/raw-request.ts';
import { createWorld, type World } from '../src/world.ts';

/** Adds an agent; what it sends over MCP and REST comes from the zone. */
async function agentAt(world: World, name: string, zone: Zone = 'local') {
  const { key } = await world.guard.agents.add({ name });
  return { key, ...doorOf(world, { key }, zone) };
}

const json = { 'content-type': 'application/json' };
const post = (body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit => ({
  method: 'POST',
  headers: { ...json, ...headers },
  body: JSON.stringify(body),
});
const ask = (agent_id: string, more: object = {}) => ({ agent_id, resource_type: 'SAP_API', justification: 'quarterly figures', ...more });

describe('T07: a key that is not good', () => {
  it('is answered alike and after the same work, whatever is wrong with it', async () => {
    const kept = createMemoryStore();
    let reads = 0;
    const store = new Proxy(kept, {
      get(target, name) {
        const member = target[name as keyof typeof target] as unknown;
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          if (name === 'get' || name === 'list') reads += 1;
          return member.apply(target, args);
        };
      },
    });
    const world = createWorld({ store });
    const good = (await world.guard.agents.add({ name: 'good' })).key;
    const rotated = (await world.guard.agents.add({ name: 'rotated' })).key;
    await world.guard.agents.rotate('rotated');
    const removed = (await world.guard.agents.add({ name: 'removed' })).key;
    await world.guard.agents.remove('removed');
    const wrong = {
      'unknown id': `mk_${'0'.repeat(16)}_${'A'.repeat(43)}`,
      'wrong secret': good.slice(0, -43) + 'A'.repeat(43),
      'one character off': good.slice(0, -1) + (good.endsWith('A') ? 'B' : 'A'),
      revoked: rotated,
      'of a removed agent': removed,
    };
    for (const request of [mcpRequest('tools/list'), { method: 'GET' }]) {
      const seen = [];
      for (const key of Object.values(wrong)) {
        const { send } = doorOf(world, { key }, 'local');
        reads = 0;
        const response = await send(request.method === 'GET' ? '/mcp/tools' : '/mcp', request);
        seen.push({ status: response.status, headers: [...response.headers], body: await response.text(), reads });
      }
      for (const each of seen) expect(each).toEqual(seen[0]);
      expect(seen[0]).toMatchObject({ status: 401, reads: 1 });
    }
  });
});

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

describe('T25: a resource URI that climbs', () => {
  const climbing = [
    'grants://active/../audit',
    'grants://active/%2e%2e/audit',
    'grants://active/%2E%2E/audit',
    'grants://active/..%2faudit',
    'grants://active/..%5caudit',
    'grants://active/..\\audit',
    'grants://active/..;/audit',
    'grants://active/./',
    'grants://active/',
    'grants://active//',
    'grants:///active',
    'grants:////active',
    'grants:active',
    'grants:/active',
    'GRANTS://active',
    'Grants://audit',
    'grants://ACTIVE',
    'grants://user@active',
    'grants://user:pw@audit',
    'grants://active:80',
    'grants://active?agent=bob',
    'grants://audit#bob',
    'grants://%61ctive',
    'grants://active%00',
    'grants://active%0a',
    ' grants://active',
    'grants://active ',
    'grants://.active',
    'grants://active.',
    'grants://\uff41ctive',
    'file:///etc/passwd',
    'notes://bob/../alice',
    'notes://..',
    'notes://%2e%2e',
    'notes://%2e',
    'notes://a%2fb',
    'notes://a/b',
    'notes://',
    'notes://a?b',
    'notes://%ff',
  ];
  const notes = {
    uri: 'notes://{owner}',
    name: 'Notes',
    read: ({ variables }: { variables: Readonly<Record<string, string>> }) => ({ text: `notes of ${variables.owner}` }),
  };

  it.each(climbing)('%s reaches nothing over MCP', async (uri) => {
    const world = createWorld({ modules: [{ name: 'notes', resources: [notes] }] });
    for (const quickCalls of [true, false]) {
      const { key } = await world.guard.agents.add({ name: `agent-${quickCalls}` });
      const { send } = doorOf(world, { key }, 'local', { quickCalls });
      // A header holds visible Latin-1 only: other names come encoded (MCP 2026-07-28, transports).
      const isPlain = /^[\x21-\x7e]+$/.test(uri);
      const name = isPlain ? uri : `=?base64?${Buffer.from(uri).toString('base64')}?=`;
      const answer = (await (await send('/mcp', mcpRequest('resources/read', { uri }, { 'mcp-name': name }))).json()) as {
        result?: unknown;
        error?: { code: number };
      };
      expect([uri, answer.result, answer.error?.code]).toEqual([uri, undefined, -32602]);
    }
    expect(await world.log.list()).toHaveLength(2);
    for (const { outcome } of await world.log.list()) expect(outcome).toBe('unknown-name');
  });

  it.each(climbing)('%s reaches nothing over REST, encoded or raw', async (uri) => {
    const world = createWorld({ modules: [{ name: 'notes', resources: [notes] }] });
    const { key } = await world.guard.agents.add({ name: 'alice' });
    const server = await serveHttp(world.hub, { port: 0, authenticator: world.guard.authenticator });
    const raw = uri.replace(/[^\x21-\x7e]/g, encodeURIComponent);
    for (const path of [`/mcp/resources/${encodeURIComponent(uri)}`, `/mcp/resources/${raw}`]) {
      const { status } = await rawRequest(server.url, path, { authorization: `Bearer ${key}` });
      // Behind a `?` or `#` is no part of the path: what remains may be a name.
      const [record] = await world.log.list();
      if (status === 200) expect(record).toMatchObject({ name: path.slice('/mcp/resources/'.length).split(/[?#]/)[0], outcome: 'ok' });
      else expect([400, 404]).toContain(status);
      if (path === `/mcp/resources/${encodeURIComponent(uri)}`) expect([uri, status]).not.toEqual([uri, 200]);
    }
    await server.close();
    await world.hub.close();
  });

  it('that is well-formed is read as the policies saw it', async () => {
    const world = createWorld({ modules: [{ name: 'notes', resources: [notes] }] });
    const { send } = await agentAt(world, 'alice');
    const answer = await send('/mcp', mcpRequest('resources/read', { uri: 'notes://bob' }));
    expect(await answer.json()).toMatchObject({ result: { contents: [{ uri: 'notes://bob', text: 'notes of bob' }] } });
  });
});

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

const adminHere: Principal = { id: 'admin', kind: 'user', roles: ['admin'], zone: 'local', trust: 0.9, method: 'api-key', actsFor: ['*'] };

async function readAs(world: World, principal: Principal, uri: string): Promise<Record<string, unknown>> {
  const answer = await world.hub.call({ kind: 'resource', name: uri, principal, face: 'local' });
  const [contents] = answer.kind === 'resource' ? answer.contents : [];
  return JSON.parse(contents !== undefined && 'text' in contents ? contents.text : '{}');
}
