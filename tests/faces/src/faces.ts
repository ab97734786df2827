import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type Hub, MeshworkError } from '@meshwork/core';
import {
  connectInProcess,
  connectSocket,
  connectWebSocket,
  createFetchHandler,
  mountTools,
  type ServeHttpOptions,
  serveHttp,
  serveSocket,
  serveStdio,
  serveWebSocket,
} from '@meshwork/transports';
import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import { InMemoryTransport, McpServer } from '@modelcontextprotocol/server';
import { alice } from './world.ts';

/** How a call ended, as its caller sees it on whatever face: `OK` or a stable code. */
type Seen = { readonly code: string; readonly text?: string };

/** A way to call a hub's tools from outside. */
export interface OpenFace {
  /** Ends with `GONE` when the caller's own `signal` ended it. */
  call(name: string, args: unknown, signal?: AbortSignal): Promise<Seen>;
  close(): Promise<void>;
}

const key = 'alice-key';
const optionsOf = (callTimeoutMs: number): ServeHttpOptions => ({
  port: 0,
  authenticator: { authenticate: async (credential) => (credential === key ? alice : undefined) },
  callTimeoutMs,
});
const requestInit = { headers: { authorization: `Bearer ${key}` } };
const modern = { pin: '2026-07-28' } as const;

/** Every face there is, each by a client of its kind, and with a limit on how long a call may take. */
export const faces: readonly (readonly [name: string, open: (hub: Hub, callTimeoutMs: number) => Promise<OpenFace>])[] = [
  ['in the hub’s own process, without a face', async (hub, ms) => local(hub, ms)],
  ['HTTP, 2026-07-28, plain', (hub, ms) => overHttp(hub, ms, (url) => plainCaller((request) => fetch(request), url))],
  [
    'HTTP, 2026-07-28, the 2.x client',
    (hub, ms) => overHttp(hub, ms, (url) => throughClient(newClient(modern), new StreamableHTTPClientTransport(new URL(url), { requestInit }))),
  ],
  [
    'HTTP, 2026-07-28, the 2.x client with progress',
    (hub, ms) =>
      overHttp(hub, ms, (url) => throughClient(newClient(modern), new StreamableHTTPClientTransport(new URL(url), { requestInit }), { onprogress: () => {} })),
  ],
  [
    'HTTP, a 2025 revision, the 2.x client',
    (hub, ms) => overHttp(hub, ms, (url) => throughClient(newClient('legacy'), new StreamableHTTPClientTransport(new URL(url), { requestInit }))),
  ],
  ['HTTP, the 1.x client', (hub, ms) => overHttp(hub, ms, (url) => throughOldClient(new OldTransport(new URL(url), { requestInit })))],
  ['HTTP+SSE, the 1.x client', (hub, ms) => overHttp(hub, ms, (url) => throughOldClient(new SSEClientTransport(new URL('/sse', url), { requestInit })))],
  [
    'REST, by the tool',
    (hub, ms) =>
      overHttp(hub, ms, (url) =>
        restCaller(
          (name) => `${url}/tools/${name}`,
          (_name, args) => args,
        ),
      ),
  ],
  [
    'REST, execute',
    (hub, ms) =>
      overHttp(hub, ms, (url) =>
        restCaller(
          () => `${url}/execute`,
          (tool, params) => ({ tool, params }),
        ),
      ),
  ],
  [
    'WebSocket on the port of HTTP, 2026-07-28',
    (hub, ms) => overHttp(hub, ms, (url) => throughClient(newClient(modern), connectWebSocket(url.replace('http', 'ws'), { key }))),
  ],
  ['WebSocket on a port of its own, a 2025 revision', overWebSocket],
  ['stdio, 2026-07-28', (hub, ms) => overStdio(hub, ms, 'auto')],
  ['stdio, a 2025 revision', (hub, ms) => overStdio(hub, ms, 'legacy')],
  ['Unix socket, 2026-07-28', overUnixSocket],
  ['in process, 2026-07-28', async (hub, ms) => throughClient(newClient('auto'), connectInProcess(hub, alice, { callTimeoutMs: ms }) as Transport)],
  ['the fetch handler', overFetchHandler],
];

/** Somebody else's server that carries the hub's tools: it sets its own deadlines, and words its own protocol errors. */
export async function mounted(hub: Hub): Promise<OpenFace> {
  const server = new McpServer({ name: 'theirs', version: '1.0.0' });
  mountTools(server, hub, { principal: alice });
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  await server.connect(serverSide);
  return throughClient(newClient('legacy'), clientSide as Transport, {}, () => server.close());
}

function newClient(mode: 'auto' | 'legacy' | typeof modern): Client {
  return new Client({ name: 'new', version: '1.0.0' }, { versionNegotiation: { mode } });
}

async function throughClient(client: Client, transport: Transport, more: object = {}, after = async () => {}): Promise<OpenFace> {
  await client.connect(transport);
  return {
    call: (name, args, signal) =>
      seen(signal, () => client.callTool({ name, arguments: args as Record<string, unknown> }, { ...more, ...(signal && { signal }) })),
    async close() {
      await client.close();
      await after();
    },
  };
}

async function throughOldClient(transport: unknown): Promise<OpenFace> {
  const client = new OldClient({ name: 'old', version: '1.0.0' });
  await client.connect(transport as never);
  return {
    call: (name, args, signal) =>
      seen(
        signal,
        () => client.callTool({ name, arguments: args as Record<string, unknown> }, undefined, signal === undefined ? {} : { signal }) as Promise<Answer>,
      ),
    close: () => client.close(),
  };
}

function local(hub: Hub, ms: number): OpenFace {
  return {
    call: (name, args, signal) =>
      seen(
        signal,
        () =>
          hub.call({
            name,
            arguments: args,
            principal: alice,
            face: 'local',
            deadline: Date.now() + ms,
            ...(signal && { signal }),
          }) as Promise<Answer>,
      ),
    close: async () => {},
  };
}

async function overHttp(hub: Hub, ms: number, connect: (url: string) => Promise<OpenFace> | OpenFace): Promise<OpenFace> {
  const server = await serveHttp(hub, optionsOf(ms));
  return andThen(await connect(server.url), () => server.close());
}

async function overWebSocket(hub: Hub, ms: number): Promise<OpenFace> {
  const server = await serveWebSocket(hub, optionsOf(ms));
  return andThen(await throughClient(newClient('legacy'), connectWebSocket(server.url, { key, resume: false })), () => server.close());
}

async function overStdio(hub: Hub, ms: number, mode: 'auto' | 'legacy'): Promise<OpenFace> {
  const [up, down] = [new PassThrough(), new PassThrough()];
  const server = await serveStdio(hub, { principal: alice, input: up, output: down, callTimeoutMs: ms });
  return andThen(await throughClient(newClient(mode), streamTransport(down, up)), () => server.close());
}

async function overUnixSocket(hub: Hub, ms: number): Promise<OpenFace> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-faces-'));
  const path = join(folder, 'hub.sock');
  const server = await serveSocket(hub, { path, principal: alice, callTimeoutMs: ms });
  return andThen(await throughClient(newClient('auto'), connectSocket(path)), async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
}

async function overFetchHandler(hub: Hub, ms: number): Promise<OpenFace> {
  const handler = createFetchHandler(hub, optionsOf(ms));
  const send = (request: Request) => handler(request, { remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' });
  return andThen(plainCaller(send, 'http://127.0.0.1/mcp'), () => handler.close());
}

function andThen(face: OpenFace, after: () => Promise<void>): OpenFace {
  return {
    call: face.call,
    async close() {
      await face.close();
      await after();
    },
  };
}

function plainCaller(send: (request: Request) => Promise<Response>, url: string): OpenFace {
  return {
    call: (name, args, signal) =>
      seen(signal, async () => {
        const headers = {
          ...requestInit.headers,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          host: '127.0.0.1',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': name,
        };
        const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args, _meta } });
        const response = await send(new Request(url, { method: 'POST', headers, body, ...(signal && { signal }) }));
        const { result, error } = (await response.json()) as { result?: Answer; error?: { data?: { code?: string } } };
        if (error !== undefined) throw Object.assign(new Error('refused'), { data: error.data });
        return result as Answer;
      }),
    close: async () => {},
  };
}

function restCaller(urlOf: (name: string) => string, bodyOf: (name: string, args: unknown) => unknown): OpenFace {
  return {
    call: (name, args, signal) =>
      seen(signal, async () => {
        const headers = { ...requestInit.headers, 'content-type': 'application/json' };
        const response = await fetch(urlOf(name), { method: 'POST', headers, body: JSON.stringify(bodyOf(name, args)), ...(signal && { signal }) });
        const answer = (await response.json()) as Answer & { code?: string };
        return response.ok ? answer : { isError: true, structuredContent: { code: answer.code } };
      }),
    close: async () => {},
  };
}

interface Answer {
  readonly content?: readonly { readonly text?: string }[] | unknown;
  readonly isError?: boolean | undefined;
  readonly structuredContent?: unknown;
}

async function seen(signal: AbortSignal | undefined, call: () => Promise<unknown>): Promise<Seen> {
  try {
    const { isError, structuredContent, content } = (await call()) as Answer;
    // Without a wire in between, who has given up still gets the answer that it did.
    if (signal?.aborted) return { code: 'GONE' };
    if (isError) return { code: (structuredContent as { code: string }).code };
    return { code: 'OK', text: String((content as { text?: string }[])[0]?.text) };
  } catch (error) {
    if (signal?.aborted) return { code: 'GONE' };
    const code = MeshworkError.isInstance(error) ? error.code : (error as { data?: { code?: string } }).data?.code;
    if (code === undefined) throw error;
    return { code };
  }
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
