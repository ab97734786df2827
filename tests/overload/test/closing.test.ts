import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectSocket, connectWebSocket } from '@meshwork/transports';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { describe, it } from 'vitest';
import type { Places } from '../src/hub-messages.ts';
import { callText, requestHeaders } from '../src/requests.ts';
import { startHub } from '../src/start-hub.ts';

type Call = (name: string, args: Record<string, unknown>) => Promise<string>;

const requestInit = { headers: { authorization: 'Bearer alice-key' } };
const modern = { pin: '2026-07-28' } as const;

interface Answer {
  readonly isError?: boolean | undefined;
  readonly structuredContent?: unknown;
}

/** `OK`, or the code the caller is told, in whatever way its face tells it. */
async function codeOf(call: () => Promise<unknown>): Promise<string> {
  try {
    const { isError, structuredContent } = (await call()) as Answer;
    return isError ? (structuredContent as { code: string }).code : 'OK';
  } catch (error) {
    const code = (error as { data?: { code?: string } }).data?.code;
    if (code === undefined) throw error;
    return code;
  }
}

async function through(transport: never, mode: 'legacy' | 'auto' | typeof modern, more: object = {}): Promise<Call> {
  const client = new Client({ name: 'c', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return (name, args) => codeOf(() => client.callTool({ name, arguments: args }, more));
}

const streamable = ({ http }: Places) => new StreamableHTTPClientTransport(new URL(http), { requestInit }) as never;

const faces: readonly (readonly [name: string, connect: (places: Places) => Promise<Call>])[] = [
  [
    'HTTP, plain',
    async ({ http }) =>
      (name, args) =>
        codeOf(async () => {
          const response = await fetch(http, { method: 'POST', headers: requestHeaders('alice-key', 'tools/call', name), body: callText(name, args) });
          const { result, error } = (await response.json()) as { result?: Answer; error?: object };
          if (error !== undefined) throw error;
          return result;
        }),
  ],
  ['HTTP, streaming progress', (places) => through(streamable(places), modern, { onprogress: () => {} })],
  ['HTTP, a 2025 revision', (places) => through(streamable(places), 'legacy')],
  [
    'HTTP+SSE',
    async ({ http }) => {
      const client = new OldClient({ name: 'old', version: '1.0.0' });
      await client.connect(new SSEClientTransport(new URL('/sse', http), { requestInit }) as never);
      return (name, args) => codeOf(() => client.callTool({ name, arguments: args }));
    },
  ],
  [
    'REST',
    async ({ http }) =>
      (name, args) =>
        codeOf(async () => {
          const headers = { ...requestInit.headers, 'content-type': 'application/json' };
          const response = await fetch(`${http}/tools/${name}`, { method: 'POST', headers, body: JSON.stringify(args) });
          const answer = (await response.json()) as { code?: string };
          return response.ok ? answer : { isError: true, structuredContent: answer };
        }),
  ],
  ['WebSocket', ({ webSocket }) => through(connectWebSocket(webSocket, { key: 'alice-key' }) as never, modern)],
  [
    'WebSocket on the port of HTTP, a 2025 revision',
    ({ http }) => through(connectWebSocket(http.replace('http', 'ws'), { key: 'alice-key' }) as never, 'legacy'),
  ],
  ['the Unix socket', ({ socket }) => through(connectSocket(socket) as never, 'auto')],
];

describe.concurrent('a hub that closes while calls are under way', () => {
  it('lets them end or tells their callers, on every face, and its process ends by itself', { timeout: 60_000 }, async ({ expect }) => {
    await using hub = await startHub({ options: { closeGraceMs: 1_500 } });
    const connected = await Promise.all(faces.map(async ([name, connect]) => [name, await connect(hub.places)] as const));
    // What is open and waits for nothing holds up nobody.
    const listening = new Client({ name: 'l', version: '1.0.0' }, { versionNegotiation: { mode: modern } });
    await listening.connect(streamable(hub.places));
    await listening.listen({ resourceSubscriptions: ['board://x'] });
    const outcomes = connected.map(async ([name, call]) => {
      const codes = await Promise.all([call('slow', { ms: 1_000 }), call('slow', { ms: 1_000 }), call('slow', { ms: 60_000 }), call('deaf', {})]);
      return [name, codes];
    });
    await sleep(400);
    const started = performance.now();
    const closed = hub.close();
    expect(Object.fromEntries(await Promise.all(outcomes))).toEqual(Object.fromEntries(faces.map(([name]) => [name, ['OK', 'OK', 'CANCELLED', 'CANCELLED']])));
    expect(await closed).toBe(0);
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it('does so on standard input and output', async ({ expect }) => {
    await using hub = await startHub({ options: { closeGraceMs: 500 }, stdio: true });
    const answers: { id: number; error?: { data: object }; result?: object }[] = [];
    createInterface({ input: hub.child.stdout as NodeJS.ReadableStream }).on('line', (line) => answers.push(JSON.parse(line)));
    hub.child.stdin?.write(`${callText('slow', { ms: 400 }, { id: 1 })}\n${callText('deaf', {}, { id: 2 })}\n`);
    await sleep(200);
    hub.child.stdin?.write(`${callText('echo', { text: 'hi' }, { id: 3 })}\n`);
    await expect.poll(() => answers).toHaveLength(1);
    expect(await hub.close()).toBe(0);
    expect(answers).toMatchObject([{ id: 3 }, { id: 1, result: {} }, { id: 2, error: { data: { code: 'CANCELLED' } } }]);
  });

  it('answers who comes meanwhile that it is closing, and takes nothing more', async ({ expect }) => {
    await using hub = await startHub({ options: { closeGraceMs: 1_000 } });
    const { http } = hub.places;
    const headers = { ...requestInit.headers, 'content-type': 'application/json' };
    const slow = fetch(`${http}/tools/slow`, { method: 'POST', headers, body: '{"ms":800}' });
    await sleep(200);
    const closed = hub.close();
    await sleep(200);
    await expect(fetch(`${http}/tools/echo`, { method: 'POST', headers: { ...headers, connection: 'close' }, body: '{"text":"x"}' })).rejects.toThrow();
    expect((await slow).status).toBe(200);
    expect((await slow).headers.get('connection')).toBe('close');
    expect(await closed).toBe(0);
  });
});
