import { connect } from 'node:net';
import { createHub, defineTool, type HubEvents } from '@meshwork/core';
import { createFetchHandler, createPresence } from '@meshwork/transports';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { ResourceUpdatedNotificationSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { restModule, withRest } from './rest-world.ts';
import { alice } from './world.ts';

async function connected(origin: string, key = 'alice-key'): Promise<Client> {
  const client = new Client({ name: 'old', version: '1' });
  await client.connect(new SSEClientTransport(new URL(`${origin}/sse`), { requestInit: { headers: { 'x-api-key': key } } }) as never);
  return client;
}

/** Reads a stream until its text matches, and leaves it open. */
async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, pattern: RegExp): Promise<RegExpExecArray> {
  const decoder = new TextDecoder();
  for (let text = ''; ; ) {
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: true });
    const found = pattern.exec(text);
    if (found !== null) return found;
    if (done) throw new Error(`the stream ended after ${JSON.stringify(text)}`);
  }
}

const ENDPOINT = /event: endpoint\ndata: (\/sse\/messages\?session=[\w-]+)\n\n/;
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
const tool = (name: string, run: () => Promise<never>) => defineTool({ name, description: 'x', category: 'test', effect: 'read', input: z.object({}), run });

afterEach(() => vi.useRealTimers());

describe('HTTP+SSE with the SDK’s client of the 1.x line', () => {
  it('initializes, lists, calls and reads', () =>
    withRest(async ({ origin }) => {
      const client = await connected(origin);
      expect(client.getServerVersion()).toMatchObject({ name: 'test', version: '1.2.3' });
      expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo');
      expect(await client.callTool({ name: 'echo', arguments: { text: '€🙂' } })).toMatchObject({ structuredContent: { text: '€🙂' } });
      expect(await client.callTool({ name: 'whoami', arguments: {} })).toMatchObject({ structuredContent: { id: 'alice', face: 'mcp' } });
      expect(await client.callTool({ name: 'denied', arguments: {} })).toMatchObject({ isError: true, structuredContent: { code: 'DENIED' } });
      expect(await client.readResource({ uri: 'board://x' })).toMatchObject({ contents: [{ text: '{"x":1}' }] });
      await client.close();
    }));

  it('hears of changes to the catalogue and to resources it subscribed to', () =>
    withRest(async ({ hub, origin }) => {
      const client = await connected(origin);
      const changed = new Promise((resolve) => client.setNotificationHandler(ToolListChangedNotificationSchema, resolve));
      const updated = new Promise((resolve) => client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => resolve(params.uri)));
      await client.subscribeResource({ uri: 'board://x' });
      hub.resourceUpdated('board://unasked');
      hub.resourceUpdated('board://x');
      expect(await updated).toBe('board://x');
      hub.register({ tools: [tool('new', async () => Promise.reject(new Error('x')))] });
      await changed;
      await client.close();
    }));

  it('asks its user, as clients of that time know it', () =>
    withRest(async ({ origin }) => {
      const client = new Client({ name: 'old', version: '1' }, { capabilities: { elicitation: {} } });
      const { ElicitRequestSchema } = await import('@modelcontextprotocol/sdk/types.js');
      client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ada' } }));
      await client.connect(new SSEClientTransport(new URL(`${origin}/sse`), { requestInit: { headers: { 'x-api-key': 'alice-key' } } }) as never);
      expect(await client.callTool({ name: 'greet', arguments: {} })).toMatchObject({ content: [{ text: expect.stringContaining('hello Ada') }] });
      await client.close();
    }));

  it('cancels what it waits for when it goes away', () =>
    withRest(async ({ hub, origin }) => {
      const started = Promise.withResolvers<void>();
      hub.register({
        tools: [
          tool('hangs', () => {
            started.resolve();
            return new Promise(() => {});
          }),
        ],
      });
      const client = await connected(origin);
      const finished = new Promise<Parameters<HubEvents['call-finished']>[0]>((resolve) => hub.events.once('call-finished', resolve));
      const call = client.callTool({ name: 'hangs', arguments: {} }).catch(() => 'gone');
      await started.promise;
      await client.close();
      expect(await call).toBe('gone');
      expect((await finished).result).toMatchObject({ structuredContent: { code: 'CANCELLED' } });
    }));

  it('is let go when the server closes', () =>
    withRest(async ({ origin, server }) => {
      const client = await connected(origin);
      const gone = new Promise((resolve) => {
        client.onerror = resolve;
      });
      await server.close();
      await gone;
      await client.close();
    }));
});

describe('a stream of events', () => {
  it('belongs to whoever opened it', () =>
    withRest(async ({ send, post }) => {
      const reader = (await send('/sse')).body!.getReader();
      const endpoint = (await readUntil(reader, ENDPOINT))[1]!;
      expect((await post(endpoint, ping, { 'x-api-key': 'bob-key' })).status).toBe(404);
      expect((await post(endpoint, ping, { 'x-api-key': 'mallory' })).status).toBe(401);
      expect((await post('/sse/messages?session=none', ping)).status).toBe(404);
      expect((await post('/sse/messages', ping)).status).toBe(404);
      expect((await post(`${endpoint}&session=other`, ping)).status).toBe(404);
      expect((await post(endpoint, ping)).status).toBe(202);
      await reader.cancel();
      await expect.poll(async () => (await post(endpoint, ping)).status).toBe(404);
    }));

  it.each([
    ['no JSON', '{', 'application/json', 400],
    ['a key twice', '{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}', 'application/json', 400],
    ['several messages', `[${JSON.stringify(ping)}]`, 'application/json', 400],
    ['no message', '{"id":1}', 'application/json', 400],
    ['plain text', JSON.stringify(ping), 'text/plain', 415],
    ['too much', `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"${'x'.repeat(20_000)}"}}`, 'application/json', 413],
  ])('refuses %s', (_what, body, type, status) =>
    withRest(
      async ({ send }) => {
        const reader = (await send('/sse')).body!.getReader();
        const endpoint = (await readUntil(reader, ENDPOINT))[1]!;
        const answer = await send(endpoint, { method: 'POST', body, headers: { 'content-type': type } });
        expect(answer.status).toBe(status);
        expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', error: { message: expect.any(String) } });
        await reader.cancel();
      },
      { maxBodyBytes: 10_000 },
    ),
  );

  // Read by hand: the 1.x client drops progress that comes in one chunk with the answer.
  it('carries progress before the answer', () =>
    withRest(async ({ send, post }) => {
      const reader = (await send('/sse')).body!.getReader();
      const endpoint = (await readUntil(reader, ENDPOINT))[1]!;
      await post(endpoint, { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'steps', arguments: {}, _meta: { progressToken: 'p' } } });
      const [text] = await readUntil(reader, /[\s\S]*"id":7[^\n]*\n\n/);
      const messages = [...text.matchAll(/^event: message\ndata: (.*)$/gm)].map(([, data]) => JSON.parse(data!));
      expect(messages.map(({ method, params, id }) => (method === undefined ? id : params.progress))).toEqual([1, 2, 3, 7]);
      await reader.cancel();
    }));

  it('knows its methods', () =>
    withRest(async ({ send }) => {
      expect((await send('/sse', { method: 'POST' })).headers.get('allow')).toBe('GET, HEAD, OPTIONS');
      expect((await send('/sse/messages')).headers.get('allow')).toBe('POST, OPTIONS');
      expect((await send('/sse', { method: 'HEAD' })).headers.get('content-type')).toBe('text/event-stream');
    }));

  it('is one of so many', () =>
    withRest(
      async ({ send }) => {
        const first = await send('/sse');
        await send('/sse');
        const third = await send('/sse');
        expect([third.status, third.headers.get('retry-after')]).toEqual([503, '30']);
        await first.body!.cancel();
        await expect.poll(async () => (await send('/sse')).status).toBe(200);
      },
      { maxSseStreams: 2 },
    ));

  it('keeps its owner present', () => {
    const presence = createPresence();
    return withRest(
      async ({ send }) => {
        const stream = await send('/sse');
        expect(presence.list()).toMatchObject([{ agent_id: 'alice', face: 'sse' }]);
        await stream.body!.cancel();
      },
      { presence },
    );
  });

  it('beats, and is closed when nobody has said anything for long', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    await using hub = createHub({ modules: [restModule] });
    const handler = createFetchHandler(hub, { authenticator: { everybody: alice }, sseHeartbeatMs: 1_000, sseIdleMs: 10_000 });
    const reader = (await handler(new Request('http://127.0.0.1/sse', { headers: { host: '127.0.0.1' } }))).body!.getReader();
    vi.advanceTimersByTime(2_000);
    await readUntil(reader, /endpoint[\s\S]*(: still here\n\n){2}/);
    vi.advanceTimersByTime(7_000);
    expect(handler.broadcast('tick', 1)).toBe(1);
    vi.advanceTimersByTime(9_000);
    expect(handler.broadcast('tick', 2)).toBe(1);
    vi.advanceTimersByTime(12_000);
    expect(handler.broadcast('tick', 3)).toBe(0);
    for (;;) if ((await reader.read()).done) break;
    await handler.close();
  });
});

describe('a broadcast', () => {
  it('reaches every open stream', () =>
    withRest(async ({ send, server }) => {
      const readers = await Promise.all(
        [send('/sse'), send('/sse', { headers: { 'x-api-key': 'bob-key' } })].map(async (answer) => (await answer).body!.getReader()),
      );
      expect(server.broadcast('grant-issued', { text: 'two\nlines\r and \u2028 more' })).toBe(2);
      for (const reader of readers) {
        const [, data] = await readUntil(reader, /event: grant-issued\ndata: ([^\n]*)\n\n/);
        expect(JSON.parse(data!)).toEqual({ text: 'two\nlines\r and \u2028 more' });
        await reader.cancel();
      }
      await expect.poll(() => server.broadcast('later', undefined)).toBe(0);
    }));

  it.each(['message', 'endpoint', 'error', 'open', '', 'two words', 'a\ndata: x', 'a\r', 'ä', 'x'.repeat(65)])('is not named %j', (event) =>
    withRest(async ({ server }) => expect(() => server.broadcast(event, 1)).toThrow(TypeError)),
  );
});

describe('a reader that does not read', () => {
  it('is cut before memory grows, and nobody else with it', () => {
    const failures: unknown[] = [];
    return withRest(
      async ({ send, server }) => {
        const slow = connect(server.port, '127.0.0.1');
        const gone = new Promise<void>((resolve) => slow.once('close', () => resolve()));
        slow.on('error', () => {});
        slow.write('GET /sse HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: alice-key\r\n\r\n');
        await new Promise((resolve) => slow.once('readable', resolve));
        slow.pause();
        const reader = (await send('/sse')).body!.getReader();
        let heard = 0;
        const listening = (async () => {
          while (!(await reader.read()).done) heard += 1;
        })();
        // What the kernel takes on both sides comes on top of the queue.
        const data = 'x'.repeat(100_000);
        let reached = 2;
        for (let sent = 0; sent < 1_000 && reached === 2; sent++) {
          reached = server.broadcast('tick', data);
          await new Promise((resolve) => setImmediate(resolve));
        }
        expect(reached).toBe(1);
        // The connection is let go although its reader reads nothing still.
        await expect.poll(() => failures).toMatchObject([{ message: expect.stringContaining('bytes wait') }]);
        slow.resume();
        await gone;
        expect(heard).toBeGreaterThan(0);
        expect(server.broadcast('tick', 'small')).toBe(1);
        await reader.cancel();
        await listening;
      },
      { maxSseQueueBytes: 500_000, onError: (error) => failures.push(error) },
    );
  });

  it('loses the queue with the stream', async () => {
    await using hub = createHub({ modules: [restModule] });
    const handler = createFetchHandler(hub, { authenticator: { everybody: alice }, maxSseQueueBytes: 1_000 });
    const answer = await handler(new Request('http://127.0.0.1/sse', { headers: { host: '127.0.0.1' } }));
    const results = Array.from({ length: 20 }, () => handler.broadcast('tick', 'x'.repeat(200)));
    expect(results.slice(0, 4)).toEqual([1, 1, 1, 1]);
    expect(results.at(-1)).toBe(0);
    await expect(answer.text()).rejects.toThrow('let more than 1000 bytes wait');
    await handler.close();
  });
});
