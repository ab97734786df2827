import { PassThrough } from 'node:stream';
import { connectInProcess, connectWebSocket, type HttpServer, serveStdio } from '@meshwork/transports';
import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import { describe, expect, it } from 'vitest';
import { alice, testHub, withServer } from './world.ts';

type AnyClient = Pick<Client, 'listTools' | 'callTool' | 'readResource' | 'listResources' | 'listResourceTemplates' | 'close'>;

const capabilities = { elicitation: { form: {} } };
const accept = async () => ({ action: 'accept' as const, content: { name: 'Ada' } });

function newClient(mode: 'auto' | 'legacy' | { pin: '2026-07-28' }): Client {
  const client = new Client({ name: 'new', version: '1.0.0' }, { capabilities, versionNegotiation: { mode } });
  client.setRequestHandler('elicitation/create', accept);
  return client;
}

async function oldClient(): Promise<OldClient> {
  const { ElicitRequestSchema } = await import('@modelcontextprotocol/sdk/types.js');
  const client = new OldClient({ name: 'old', version: '1.0.0' }, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, accept);
  return client;
}

const requestInit = { headers: { authorization: 'Bearer alice-key' } };

/** A client transport over a pair of streams, for either line of the SDK. */
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

const overHttp = (connect: (server: HttpServer) => Promise<AnyClient>) => (work: (client: AnyClient) => Promise<void>) =>
  withServer(async (server) => {
    const client = await connect(server);
    await work(client);
    await client.close();
  });

const overWebSocket = (url: string, resume = true) => connectWebSocket(url.replace('http', 'ws'), { key: 'alice-key', resume });

const overStreams = (connect: (transport: Transport) => Promise<AnyClient>) => async (work: (client: AnyClient) => Promise<void>) => {
  await using hub = testHub();
  const [up, down] = [new PassThrough(), new PassThrough()];
  await using server = await serveStdio(hub, { principal: alice, input: up, output: down });
  const client = await connect(streamTransport(down, up));
  await work(client);
  await client.close();
  await server.closed;
};

const faces = [
  [
    'the 2.x client over HTTP, revision 2026-07-28',
    'mcp',
    overHttp(async ({ url }) => connected(newClient({ pin: '2026-07-28' }), new StreamableHTTPClientTransport(new URL(url), { requestInit }))),
  ],
  [
    'the 2.x client over HTTP, a 2025 revision',
    'mcp',
    overHttp(async ({ url }) => connected(newClient('legacy'), new StreamableHTTPClientTransport(new URL(url), { requestInit }))),
  ],
  ['the 1.x client over HTTP', 'mcp', overHttp(async ({ url }) => connected(await oldClient(), new OldTransport(new URL(url), { requestInit }) as never))],
  ['the 2.x client over stdio, revision 2026-07-28', 'stdio', overStreams((transport) => connected(newClient('auto'), transport))],
  ['the 2.x client over stdio, a 2025 revision', 'stdio', overStreams((transport) => connected(newClient('legacy'), transport))],
  ['the 1.x client over stdio', 'stdio', overStreams(async (transport) => connected(await oldClient(), transport as never))],
  ['the 2.x client over WebSocket, revision 2026-07-28', 'ws', overHttp(async ({ url }) => connected(newClient('auto'), overWebSocket(url)))],
  ['the 2.x client over WebSocket, a 2025 revision', 'ws', overHttp(async ({ url }) => connected(newClient('legacy'), overWebSocket(url)))],
  ['the 2.x client over WebSocket that does not resume', 'ws', overHttp(async ({ url }) => connected(newClient('auto'), overWebSocket(url, false)))],
  ['the 1.x client over WebSocket', 'ws', overHttp(async ({ url }) => connected(await oldClient(), overWebSocket(url)))],
  [
    'the 2.x client in process',
    'local',
    async (work: (client: AnyClient) => Promise<void>) => {
      await using hub = testHub();
      const client = await connected(newClient('auto'), connectInProcess(hub, alice));
      await work(client);
      await client.close();
    },
  ],
] as const;

async function connected<C extends { connect(transport: never): Promise<void> }>(client: C, transport: unknown): Promise<C & AnyClient> {
  await client.connect(transport as never);
  return client as C & AnyClient;
}

describe.each(faces)('%s', (_what, face, run) => {
  it('lists what the hub has', () =>
    run(async (client) => {
      expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo', 'greet', 'region', 'steps', 'whoami']);
      expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual(['board://x']);
      expect((await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(['board://x/{key}']);
    }));

  it('calls tools as the principal the transport knows', () =>
    run(async (client) => {
      expect(await client.callTool({ name: 'echo', arguments: { text: 'héllo 🙂', count: 0 } })).toMatchObject({
        structuredContent: { text: 'héllo 🙂', count: 0 },
      });
      expect(await client.callTool({ name: 'whoami', arguments: {} })).toMatchObject({ structuredContent: { id: 'alice', face } });
    }));

  it('gets a failed answer for wrong arguments and an error for an unknown tool', () =>
    run(async (client) => {
      expect(await client.callTool({ name: 'echo', arguments: { text: 1 } })).toMatchObject({ isError: true, structuredContent: { code: 'INVALID_INPUT' } });
      await expect(client.callTool({ name: 'nope', arguments: {} })).rejects.toMatchObject({ code: -32602 });
    }));

  it('reads resources', () =>
    run(async (client) => {
      const { contents } = await client.readResource({ uri: 'board://x/a%20b' });
      expect(contents[0]).toMatchObject({ text: '{"key":"a b"}' });
      await expect(client.readResource({ uri: 'board://nope' })).rejects.toMatchObject({ code: -32602 });
    }));

  it('is asked for input, and answers', () =>
    run(async (client) => {
      expect(await client.callTool({ name: 'greet', arguments: {} })).toMatchObject({ content: [{ text: 'hello Ada, {"asked":true}' }] });
    }));
});
