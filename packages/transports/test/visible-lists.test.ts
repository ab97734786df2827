import { type Completer, createHub, DeniedError, defineTool, type Hub, inProcessPrincipal, type Module, type Principal, toolAnswer } from '@meshwork/core';
import { connectInProcess, connectWebSocket, createFetchHandler, mountTools, serveHttp } from '@meshwork/transports';
import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const tool = (name: string) =>
  defineTool({ name, description: 'A tool.', category: 'test', effect: 'read', input: z.object({}), run: () => toolAnswer([{ type: 'text', text: name }]) });
const completeKey =
  (uri: string): Completer =>
  (typed, { principal, arguments: { folder = 'none' } }) => [`${typed} of ${uri}, for ${principal.id}, in ${folder}`];
const resource = (uri: string) => ({ uri, name: uri, read: () => ({ text: uri }), complete: { key: completeKey(uri) } });
const prompt = (name: string) => ({
  name,
  arguments: [{ name: 'who', complete: () => [`somebody for ${name}`] }],
  render: () => ({ messages: [] }),
});

/** Everything that has "secret" in its name is for those with the role `insider`. */
const gate: Module = {
  name: 'gate',
  stages: {
    async authorize({ call }, next) {
      if (call.name.includes('secret') && !call.principal.roles.includes('insider')) throw new DeniedError('insiders only');
      return next();
    },
  },
  visibility: {
    keyOf: ({ roles }) => JSON.stringify(roles),
    isVisible: ({ roles }, target) => roles.includes('insider') || !JSON.stringify(target).includes('secret'),
  },
};
const things: Module = {
  name: 'things',
  tools: [tool('open_tool'), tool('secret_tool')],
  resources: ['open://a', 'secret://a', 'open://{key}/b', 'secret://{key}/b'].map(resource),
  prompts: [prompt('open_prompt'), prompt('secret_prompt')],
};
const makeHub = () => createHub({ modules: [gate, things] });
const insider = inProcessPrincipal('ida', { roles: ['insider'] });
const outsider = inProcessPrincipal('otto');
const authenticator = { authenticate: async (key: string | undefined) => (key === 'in' ? insider : key === 'out' ? outsider : undefined) };

interface Shown {
  readonly tools: readonly string[];
  readonly resources: readonly string[];
  readonly templates: readonly string[];
  readonly prompts: readonly string[];
}
const open: Shown = { tools: ['open_tool'], resources: ['open://a'], templates: ['open://{key}/b'], prompts: ['open_prompt'] };
const all: Shown = {
  tools: ['open_tool', 'secret_tool'],
  resources: ['open://a', 'secret://a'],
  templates: ['open://{key}/b', 'secret://{key}/b'],
  prompts: ['open_prompt', 'secret_prompt'],
};

async function shownTo(client: Client): Promise<Shown> {
  return {
    tools: (await client.listTools()).tools.map(({ name }) => name),
    resources: (await client.listResources()).resources.map(({ uri }) => uri),
    templates: (await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    prompts: (await client.listPrompts()).prompts.map(({ name }) => name),
  };
}

type Connect = (hub: Hub, principal: Principal, key: string) => Promise<{ transport: Transport; close(): Promise<void> }>;
const overFetch =
  (options: { quickCalls?: boolean }): Connect =>
  async (hub, _principal, key) => {
    const handler = createFetchHandler(hub, { authenticator, ...options });
    const fetch = (url: string | URL, init?: RequestInit) => {
      const headers = new Headers(init?.headers);
      headers.set('authorization', `Bearer ${key}`);
      headers.set('host', '127.0.0.1');
      return handler(new Request(url, { ...init, headers }));
    };
    return { transport: new StreamableHTTPClientTransport(new URL('http://127.0.0.1/mcp'), { fetch }), close: () => handler.close() };
  };
const ways: readonly (readonly [string, Connect, 'legacy' | { pin: '2026-07-28' }])[] = [
  ['HTTP, the quick way', overFetch({}), { pin: '2026-07-28' }],
  ['HTTP, through the SDK', overFetch({ quickCalls: false }), { pin: '2026-07-28' }],
  ['HTTP, a 2025 revision', overFetch({}), 'legacy'],
  [
    'WebSocket',
    async (hub, _principal, key) => {
      const server = await serveHttp(hub, { port: 0, authenticator });
      return { transport: connectWebSocket(server.url.replace('http', 'ws'), { key, resume: false }) as Transport, close: () => server.close() };
    },
    { pin: '2026-07-28' },
  ],
  ['in process', async (hub, principal) => ({ transport: connectInProcess(hub, principal) as Transport, close: async () => {} }), { pin: '2026-07-28' }],
];

describe('lists', () => {
  it.each(ways)('show what may be called, and complete nothing else: %s', async (_name, connect, mode) => {
    const hub = makeHub();
    for (const [principal, key, expected] of [
      [outsider, 'out', open],
      [insider, 'in', all],
    ] as const) {
      const { transport, close } = await connect(hub, principal, key);
      const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
      await client.connect(transport);
      expect(await shownTo(client)).toEqual(expected);
      const completed = async (ref: { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string }, name: string) =>
        (await client.complete({ ref, argument: { name, value: '' } })).completion.values.length;
      expect(await completed({ type: 'ref/prompt', name: 'open_prompt' }, 'who')).toBe(1);
      expect(await completed({ type: 'ref/prompt', name: 'secret_prompt' }, 'who')).toBe(key === 'in' ? 1 : 0);
      expect(await completed({ type: 'ref/resource', uri: 'open://{key}/b' }, 'key')).toBe(1);
      expect(await completed({ type: 'ref/resource', uri: 'secret://{key}/b' }, 'key')).toBe(key === 'in' ? 1 : 0);
      await client.close();
      await close();
    }
    await hub.close();
  });

  it.each(ways)('are completed for who asks, and with what else is known: %s', async (_name, connect, mode) => {
    const hub = makeHub();
    const { transport, close } = await connect(hub, outsider, 'out');
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
    await client.connect(transport);
    const ref = { type: 'ref/resource', uri: 'open://{key}/b' } as const;
    const { completion } = await client.complete({ ref, argument: { name: 'key', value: 'x' }, context: { arguments: { folder: 'here' } } });
    expect(completion.values).toEqual(['x of open://{key}/b, for otto, in here']);
    await client.close();
    await close();
    await hub.close();
  });

  it('show what may be called: REST', async () => {
    const handler = createFetchHandler(makeHub(), { authenticator });
    const get = async (path: string, key: string) => {
      const response = await handler(new Request(`http://127.0.0.1${path}`, { headers: { host: '127.0.0.1', 'x-api-key': key } }));
      return { status: response.status, text: await response.text() };
    };
    for (const path of ['/mcp/tools', '/api/tools', '/mcp/resources', '/mcp/prompts', '/openapi.json']) {
      expect([path, (await get(path, 'in')).text.includes('secret')]).toEqual([path, true]);
      expect([path, (await get(path, 'out')).text.includes('secret')]).toEqual([path, false]);
      expect((await get(path, 'out')).text).toContain('open');
    }
    expect((await get('/mcp/tools/secret_tool', 'out')).status).toBe(404);
    expect((await get('/mcp/tools/secret_tool', 'in')).status).toBe(200);
    await handler.close();
  });

  it('hold on somebody else’s server, when its one caller is known beforehand', () => {
    const mountedFor = (principal: Principal | (() => Principal)) => {
      const names: string[] = [];
      mountTools({ registerTool: (name) => names.push(name) }, makeHub(), { principal });
      return names;
    };
    expect(mountedFor(outsider)).toEqual(open.tools);
    expect(mountedFor(insider)).toEqual(all.tools);
    expect(mountedFor(() => outsider)).toEqual(all.tools);
  });

  it('are refused to a nobody who may call nothing, and shown to one who may call something', async () => {
    const nobody: Principal = { ...outsider, id: 'nobody', kind: 'anonymous', method: 'none' };
    const statusIn = async (hub: Hub) => {
      const handler = createFetchHandler(hub, { authenticator: { everybody: nobody } });
      const { status } = await handler(new Request('http://127.0.0.1/mcp/tools', { headers: { host: '127.0.0.1' } }));
      await handler.close();
      return status;
    };
    expect(await statusIn(makeHub())).toBe(200);
    expect(await statusIn(createHub({ modules: [{ name: 'wall', visibility: { keyOf: () => '', isVisible: () => false } }, things] }))).toBe(401);
    expect(await statusIn(createHub())).toBe(200);
  });
});
