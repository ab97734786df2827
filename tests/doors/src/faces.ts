import { request as httpRequest } from 'node:http';
import { PassThrough } from 'node:stream';
import { type Authenticator, type Principal, type Zone, zoneTrust } from '@meshwork/core';
import { connectInProcess, connectWebSocket, createFetchHandler, type FetchHandler, serveHttp, serveStdio } from '@meshwork/transports';
import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import { headersOf, type Shown } from './credentials.ts';
import { places } from './places.ts';
import type { World } from './world.ts';

/** What a caller sees of a call: that it ran, or which policies refused it. */
type Seen = 'ok' | readonly string[] | { readonly code: unknown };

/** A caller that got in. */
interface Caller {
  call(tool: string, args?: object): Promise<Seen>;
  /** The names of the tools it is shown. */
  list(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Opens a face as somebody: in, or the status of the refusal. */
export type OpenFace = (world: World, shown: Shown, zone: Zone) => Promise<Caller | number>;

/** The faces that are reached over a network. */
export const networkFaces: Readonly<Record<string, OpenFace>> = {
  'MCP 2026-07-28 over HTTP': (world, shown, zone) => overPlainMcp(world, shown, zone, { quickCalls: true }),
  'MCP 2026-07-28 over HTTP, through the SDK': (world, shown, zone) => overPlainMcp(world, shown, zone, { quickCalls: false }),
  'MCP 2025-11-25 over HTTP': (world, shown, zone) =>
    overSdk(world, shown, zone, '/mcp', (url, fetch) => {
      const client = new Client({ name: 'new', version: '1.0.0' }, { versionNegotiation: { mode: 'legacy' } });
      return { client, connect: () => client.connect(new StreamableHTTPClientTransport(url, { fetch })) };
    }),
  'HTTP+SSE': (world, shown, zone) =>
    overSdk(world, shown, zone, '/sse', (url, fetch) => {
      const client = new OldClient({ name: 'old', version: '1.0.0' });
      return {
        client: client as never,
        connect: () => client.connect(new SSEClientTransport(url, { fetch: fetch as never, eventSourceInit: { fetch: fetch as never } }) as never),
      };
    }),
  REST: overRest,
  WebSocket: overWebSocket,
};

const owner: Principal = { id: 'owner', kind: 'agent', roles: [], zone: 'local', trust: zoneTrust.local, method: 'process-owner', actsFor: [] };

/** The faces of whoever started the process, who needs no credential. */
export const processFaces: Readonly<Record<string, OpenFace>> = {
  stdio: async ({ hub }) => {
    const [up, down] = [new PassThrough(), new PassThrough()];
    const server = await serveStdio(hub, { principal: owner, input: up, output: down });
    return callerOf(await connected(streamTransport(down, up)), () => server.close());
  },
  'in process': async ({ hub }) => callerOf(await connected(connectInProcess(hub, owner) as Transport)),
};

/** Sends a request as the caller, from where it is, to a handler that others may use too. */
type Send = ((path: string, init: RequestInit) => Promise<Response>) & { readonly handler: FetchHandler };

/** A caller from an address of the zone, with its key, before a hub's fetch handler: one of its own unless `handler` is given. */
export function doorOf(
  { hub, authenticator, log }: World,
  shown: Shown,
  zone: Zone,
  { handler, ...options }: { readonly quickCalls?: boolean; readonly handler?: FetchHandler } = {},
): { readonly send: Send; close(): Promise<void> } {
  const used = handler ?? createFetchHandler(hub, { authenticator, recorder: log.door, ...options });
  const send = async (path: string, init: RequestInit) => {
    const headers = new Headers(init.headers);
    headers.set('host', '127.0.0.1');
    for (const [name, value] of Object.entries(await headersOf(shown, init.method ?? 'GET', path.split('?')[0] ?? ''))) headers.set(name, value);
    return used(new Request(new URL(path, 'http://127.0.0.1'), { ...init, headers }), { ...places[zone], ...shown.facts });
  };
  return { send: Object.assign(send, { handler: used }), close: () => used.close() };
}

/** A request of revision 2026-07-28. */
export function mcpRequest(method: string, params: Record<string, unknown> = {}, headers: Readonly<Record<string, string>> = {}): RequestInit {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
  const name = params.name ?? params.uri;
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' && { 'mcp-name': name }),
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } }),
  };
}

async function overPlainMcp(world: World, shown: Shown, zone: Zone, options: { quickCalls: boolean }): Promise<Caller | number> {
  const { send, close } = doorOf(world, shown, zone, options);
  const ask = async (method: string, params?: Record<string, unknown>) => {
    const response = await send('/mcp', mcpRequest(method, params));
    return { status: response.status, body: (await response.json()) as { result?: Answer & { tools?: { name: string }[] } } };
  };
  const first = await ask('tools/list');
  if (first.status !== 200) return first.status;
  return {
    call: async (name, args = {}) => seenIn((await ask('tools/call', { name, arguments: args })).body.result),
    list: async () => namesIn((await ask('tools/list')).body.result),
    close,
  };
}

async function overSdk(
  world: World,
  shown: Shown,
  zone: Zone,
  path: string,
  make: (url: URL, fetch: typeof globalThis.fetch) => { readonly client: Client; connect(): Promise<void> },
): Promise<Caller | number> {
  const { send, close } = doorOf(world, shown, zone);
  let refused: number | undefined;
  const { client, connect } = make(new URL(path, 'http://127.0.0.1'), async (url, init) => {
    const { pathname, search } = new URL(String(url));
    const response = await send(pathname + search, (init ?? {}) as RequestInit);
    if (response.status >= 400 && response.status !== 405) refused ??= response.status;
    return response;
  });
  try {
    await connect();
  } catch (error) {
    await close();
    if (refused === undefined) throw error;
    return refused;
  }
  return callerOf(client, close);
}

async function overRest(world: World, shown: Shown, zone: Zone): Promise<Caller | number> {
  const { send, close } = doorOf(world, shown, zone);
  const first = await send('/mcp/tools', { method: 'GET' });
  if (first.status !== 200) return first.status;
  return {
    async call(name, args = {}) {
      const response = await send(`/mcp/tools/${name}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(args) });
      const body = (await response.json()) as { code?: string; policies?: string[] };
      if (response.status === 200) return 'ok';
      return response.status === 403 && body.code === 'DENIED' ? (body.policies ?? []) : { code: body.code };
    },
    list: async () => namesIn((await (await send('/mcp/tools', { method: 'GET' })).json()) as { tools: { name: string }[] }),
    close,
  };
}

/** A real socket, and a stand-in for its address: the zones of this machine are all local. */
async function overWebSocket({ hub, authenticator: inner, log }: World, shown: Shown, zone: Zone): Promise<Caller | number> {
  const { key, facts } = shown;
  const authenticator: Authenticator = {
    authenticate: (credential, connection) =>
      inner.authenticate(credential, Object.assign({}, connection, facts, { remoteAddress: places[zone].remoteAddress })),
  };
  const server = await serveHttp(hub, { port: 0, authenticator, recorder: log.door });
  const status = await upgradeStatus(server.url, await headersOf(shown, 'GET', '/mcp'));
  if (status !== 101) {
    await server.close();
    return status;
  }
  const transport = connectWebSocket(server.url.replace('http', 'ws'), {
    resume: false,
    ...(key !== undefined && { key }),
    ...(shown.headersFor !== undefined && { WebSocket: webSocketWith(await shown.headersFor('GET', '/mcp')) }),
  });
  return callerOf(await connected(transport as Transport), () => server.close());
}

/** Node's own takes headers, which the standard has none of. */
function webSocketWith(headers: Readonly<Record<string, string>>): new (url: string, protocols: string[]) => WebSocket {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, { protocols, headers } as never);
    }
  };
}

function upgradeStatus(url: string, shown: Readonly<Record<string, string>>): Promise<number> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol': 'mcp',
    ...shown,
  };
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { headers });
    sent.once('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response.statusCode ?? 0);
    });
    sent.once('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.once('error', reject);
    sent.end();
  });
}

async function connected(transport: Transport): Promise<Client> {
  const client = new Client({ name: 'new', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(transport);
  return client;
}

function callerOf(client: Client, after: () => Promise<unknown> = async () => {}): Caller {
  return {
    call: async (name, args = {}) => seenIn((await client.callTool({ name, arguments: args as Record<string, unknown> })) as Answer),
    list: async () => namesIn(await client.listTools()),
    async close() {
      await client.close();
      await after();
    },
  };
}

interface Answer {
  readonly isError?: boolean | undefined;
  readonly structuredContent?: unknown;
}

function seenIn(answer: Answer | undefined): Seen {
  if (answer === undefined) return { code: 'no result' };
  if (!answer.isError) return 'ok';
  const { code, policies } = answer.structuredContent as { code: string; policies?: string[] };
  return code === 'DENIED' ? (policies ?? []) : { code };
}

function namesIn(result: { readonly tools?: readonly { readonly name: string }[] } | undefined): readonly string[] {
  return (result?.tools ?? []).map(({ name }) => name);
}

/** A client transport over a pair of streams. */
function streamTransport(input: PassThrough, output: PassThrough): Transport {
  const buffer = new ReadBuffer();
  const transport: Transport = {
    async start() {
      input.on('data', (chunk) => {
        buffer.append(chunk);
        for (let message = buffer.readMessage(); message !== null; message = buffer.readMessage()) transport.onmessage?.(message as never);
      });
    },
    async send(message) {
      output.write(serializeMessage(message as never));
    },
    async close() {
      output.end();
      transport.onclose?.();
    },
  };
  return transport;
}
