import { serveHttp } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { doorOf, mcpRequest } from '../src/faces.ts';
import { rawRequest } from '../src/raw-request.ts';
import { agentAt } from '../src/requests.ts';
import { createWorld } from '../src/world.ts';

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
