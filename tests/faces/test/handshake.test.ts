import { createHub, createMemoryStore, type Hub } from '@meshwork/core';
import { type Guardian, guardian, standardPolicies, standardSchema } from '@meshwork/guardian';
import { type CallTool, createAgentKey, openSession } from '@meshwork/guardian/agent';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { connectInProcess, connectWebSocket, createFetchHandler, serveHttp } from '@meshwork/transports';
import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { describe, expect, it } from 'vitest';

const audience = 'https://hub.example/mcp';
const engine = createCedarEngine({ policies: standardPolicies, schema: standardSchema });

/** A way to call tools with a credential; it throws where the door or the hub says no. */
interface Face {
  readonly call: CallTool;
  close(): Promise<void>;
}

type Open = (hub: Hub, guard: Guardian, credential: string) => Promise<Face>;

const overHttp =
  (connect: (url: string, credential: string) => Promise<Face>): Open =>
  async (hub, guard, credential) => {
    const server = await serveHttp(hub, { port: 0, authenticator: guard.authenticator });
    try {
      const face = await connect(server.url, credential);
      return { call: face.call, close: () => face.close().then(() => server.close()) };
    } catch (error) {
      await server.close();
      throw error;
    }
  };

const authorization = (credential: string) => ({ authorization: `Bearer ${credential}` });

async function throughClient(transport: Transport, mode: 'auto' | 'legacy' | { pin: string }): Promise<Face> {
  const client = new Client({ name: 'agent', version: '1.0.0' }, { versionNegotiation: { mode } } as never);
  await client.connect(transport);
  return { call: (name, args) => client.callTool({ name, arguments: args }), close: () => client.close() };
}

const rest = (
  send: (request: Request) => Promise<Response>,
  urlOf: (name: string) => string,
  bodyOf: (name: string, args: object) => object,
  credential: string,
): Face => ({
  async call(name, args) {
    const headers = { ...authorization(credential), 'content-type': 'application/json', host: '127.0.0.1' };
    const response = await send(new Request(urlOf(name), { method: 'POST', headers, body: JSON.stringify(bodyOf(name, args)) }));
    if (response.status === 401 && response.headers.has('www-authenticate')) throw new Error('401');
    return response.json();
  },
  close: async () => {},
});

const faces: readonly (readonly [string, Open])[] = [
  [
    'HTTP, 2026-07-28',
    overHttp((url, key) =>
      throughClient(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: authorization(key) } }), { pin: '2026-07-28' }),
    ),
  ],
  [
    'HTTP, a 2025 revision',
    overHttp((url, key) => throughClient(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: authorization(key) } }), 'legacy')),
  ],
  [
    'HTTP+SSE, the 1.x client',
    overHttp(async (url, key) => {
      const client = new OldClient({ name: 'agent', version: '1.0.0' });
      await client.connect(new SSEClientTransport(new URL('/sse', url), { requestInit: { headers: authorization(key) } }) as never);
      return { call: (name, args) => client.callTool({ name, arguments: args }), close: () => client.close() };
    }),
  ],
  [
    'REST, by the tool',
    overHttp(async (url, key) =>
      rest(
        fetch,
        (name) => `${url}/tools/${name}`,
        (_name, args) => args,
        key,
      ),
    ),
  ],
  [
    'REST, execute',
    overHttp(async (url, key) =>
      rest(
        fetch,
        () => `${url}/execute`,
        (tool, params) => ({ tool, params }),
        key,
      ),
    ),
  ],
  ['WebSocket', overHttp((url, key) => throughClient(connectWebSocket(url.replace('http', 'ws'), { key }), { pin: '2026-07-28' }))],
  [
    'in process',
    async (hub, guard, credential) => {
      const principal = await guard.authenticator.authenticate(credential, { via: 'in-process', encrypted: false });
      if (principal === undefined) throw new Error('401');
      return throughClient(connectInProcess(hub, principal) as Transport, 'auto');
    },
  ],
  [
    'the fetch handler',
    async (hub, guard, credential) => {
      const handler = createFetchHandler(hub, { authenticator: guard.authenticator });
      const send = (request: Request) => handler(request, { remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' });
      return {
        ...rest(
          send,
          (name) => `http://127.0.0.1/mcp/tools/${name}`,
          (_name, args) => args,
          credential,
        ),
        close: () => handler.close(),
      };
    },
  ],
];

describe.each(faces)('the handshake over %s', (_face, open) => {
  it('ends with a session token that opens the door, until the session ends', async () => {
    const guard = guardian({ store: createMemoryStore(), engine, sessions: { audience } });
    const hub = createHub({ modules: [guard] });
    const { key } = await guard.agents.add({ name: 'a' });
    const { publicKey, privateKey } = await createAgentKey();
    await guard.agentKeys.add('a', publicKey);

    const withKey = await open(hub, guard, key);
    const sent: [string, Record<string, unknown>][] = [];
    const call: CallTool = (name, args) => {
      sent.push([name, args]);
      return withKey.call(name, args);
    };
    const { token } = await openSession({ call, agentId: 'a', privateKey, audience });
    const [, answer] = sent;
    const refused = JSON.stringify(await withKey.call('auth_respond', answer?.[1] ?? {}));
    expect(refused).toContain('REPLAYED');
    expect(refused).not.toContain('session_token');
    await withKey.close();

    const withToken = await open(hub, guard, token);
    expect(JSON.stringify(await withToken.call('session_end', {}))).toContain('"ended":true');
    await withToken.close();
    // Some faces refuse the connection, others its first call.
    const useAgain = async () => {
      const face = await open(hub, guard, token);
      await face.call('session_end', {}).finally(face.close);
    };
    await expect(useAgain()).rejects.toThrow();
    await hub.close();
  });
});
