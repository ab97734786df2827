import { connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConflictError, defineTool, type Hub, type Principal, toolAnswer } from '@meshwork/core';
import { connectWebSocket, type ServeWebSocketOptions, serveHttp, serveWebSocket } from '@meshwork/transports';
import { Client } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { z } from 'zod';
import { alice, authenticator, modernRequest, testHub, withServer } from './world.ts';

const headers = { authorization: 'Bearer alice-key' };
const bearer = (key: string) => `mcp.bearer.${Buffer.from(key).toString('base64url')}`;

async function withHub(work: (url: string, hub: Hub) => Promise<void>, options: Partial<ServeWebSocketOptions> = {}): Promise<void> {
  await using hub = testHub();
  hub.register({ tools: [slow, flood, big] });
  await using server = await serveWebSocket(hub, { port: 0, authenticator, closeGraceMs: 200, ...options });
  await work(server.url, hub);
}

const slow = defineTool({
  name: 'slow',
  description: 'Takes a while.',
  category: 'test',
  effect: 'read',
  input: z.object({ ms: z.number() }),
  run: async ({ ms }, { signal }) => {
    await sleep(ms, undefined, { signal });
    return toolAnswer([{ type: 'text', text: 'done' }]);
  },
});
const flood = defineTool({
  name: 'flood',
  description: 'Tells a lot, and does not wait for who listens.',
  category: 'test',
  effect: 'read',
  input: z.object({ times: z.number() }),
  run: ({ times }, { progress }) => {
    for (let done = 1; done <= times; done++) void progress({ progress: done, message: 'x'.repeat(1_000) });
    return toolAnswer([{ type: 'text', text: 'done' }]);
  },
});
const big = defineTool({
  name: 'big',
  description: 'Answers at length.',
  category: 'test',
  effect: 'read',
  input: z.object({ bytes: z.number() }),
  run: ({ bytes }) => toolAnswer([{ type: 'text', text: 'x'.repeat(bytes) }]),
});

/** A raw client, what it has heard, and how it ended. */
function rawClient(url: string, { protocols = [], ...options }: ClientOptions & { protocols?: string[] } = {}) {
  const socket = new WebSocket(url, protocols, { headers, perMessageDeflate: true, ...options });
  const heard: Record<string, never>[] = [];
  const opened = new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
  opened.catch(() => {});
  const ended = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  socket.on('error', () => {});
  socket.on('message', (data) => heard.push(JSON.parse(String(data))));
  const send = (method: string, params: Record<string, unknown>, id: number | string = 1) =>
    socket.send(JSON.stringify({ ...modernRequest(method, params).message, id }));
  return { socket, heard, opened, ended, send };
}

/** The status and body a refused upgrade is answered with. */
function refusal(url: string, options: ClientOptions, protocols: string[] = []): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, options);
    socket.once('open', () => reject(new Error('it was let in')));
    socket.once('error', () => {});
    socket.once('unexpected-response', async (_request, response) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode, body });
    });
  });
}

const call = { name: 'echo', arguments: { text: 'hi' } };
const works = { id: 1, result: { structuredContent: { text: 'hi' } } };

describe('the door of WebSocket', () => {
  it.each([
    ['no key', {}, [], 401],
    ['an unknown key', { headers: { authorization: 'Bearer mallory' } }, [], 401],
    ['an unknown key in the subprotocol', {}, ['mcp', bearer('mallory')], 401],
    ['a key that is no base64url', {}, ['mcp', 'mcp.bearer.***'.replaceAll('*', '~')], 401],
    ['a foreign Host', { headers: { ...headers, host: 'evil.example' } }, [], 403],
    ['a foreign Origin', { headers, origin: 'https://evil.example' }, [], 403],
    ['a key but no subprotocol to agree to', {}, [bearer('alice-key')], 400],
    ['another subprotocol', { headers }, ['chat'], 400],
  ])('refuses %s before the upgrade', (_what, options, protocols, status) =>
    withHub(async (url) => {
      const answer = await refusal(url, options, protocols);
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.body)).toMatchObject({ id: null, error: { code: -31000 - status } });
      expect(answer.body).not.toContain('key-');
    }),
  );

  it('refuses another path, and another protocol', () =>
    withHub(async (url) => {
      expect((await refusal(url.replace('/mcp', '/x'), { headers })).status).toBe(404);
      expect((await fetch(url.replace('ws', 'http'))).status).toBe(426);
    }));

  it.each([
    ['Authorization', { headers }, [], ''],
    ['X-API-Key', { headers: { 'x-api-key': 'alice-key' } }, ['mcp'], 'mcp'],
    ['the subprotocol', { headers: {} }, ['mcp', bearer('alice-key')], 'mcp'],
  ])('takes a key by %s, and does not send it back', (_what, options, protocols, agreed) =>
    withHub(async (url) => {
      const client = rawClient(url, { ...options, protocols });
      await client.opened;
      expect([client.socket.protocol, client.socket.extensions]).toEqual([agreed, '']);
      client.send('tools/call', { name: 'whoami', arguments: {} });
      await expect.poll(() => client.heard).toMatchObject([{ result: { structuredContent: { id: 'alice', face: 'ws' } } }]);
      client.socket.close();
    }),
  );

  it('ends a connection whose key was revoked with 4401, and follows what its owner may do', async () => {
    let principal: Principal | undefined = alice;
    const changing = { authenticate: async () => principal };
    await withHub(
      async (url) => {
        const client = rawClient(url);
        await client.opened;
        principal = { ...alice, roles: ['admin'] };
        await sleep(60);
        client.send('tools/call', call);
        await expect.poll(() => client.heard).toMatchObject([works]);
        principal = undefined;
        expect(await client.ended).toMatchObject({ code: 4401, reason: expect.stringContaining('key') });
      },
      { authenticator: changing, reauthenticateMs: 20 },
    );
  });

  it('lets in only so many, and says so', () =>
    withHub(
      async (url) => {
        const first = rawClient(url);
        await first.opened;
        expect(await rawClient(url).ended).toMatchObject({ code: 4429, reason: expect.stringContaining('1 connections') });
        const second = rawClient(url, { headers: { authorization: 'Bearer bob-key' } });
        await second.opened;
        first.socket.close();
        await first.ended;
        const third = rawClient(url);
        await third.opened;
        third.send('tools/call', call);
        await expect.poll(() => third.heard).toMatchObject([works]);
      },
      { maxConnectionsPerPrincipal: 1 },
    ));

  it('has a bound over all', () =>
    withHub(
      async (url) => {
        await rawClient(url).opened;
        expect(await rawClient(url).ended).toMatchObject({ code: 1013 });
      },
      { maxConnections: 1 },
    ));

  it('refuses a taken port', () =>
    withHub(async (url) => {
      await using hub = testHub();
      await expect(serveWebSocket(hub, { port: Number(new URL(url).port), authenticator })).rejects.toThrow(ConflictError);
    }));

  it('is on the port of HTTP too, unless it is turned off', async () => {
    await withServer(async ({ url }) => {
      const client = rawClient(url.replace('http', 'ws'));
      await client.opened;
      client.send('tools/call', call);
      await expect.poll(() => client.heard).toMatchObject([works]);
    });
    await using hub = testHub();
    await using server = await serveHttp(hub, { port: 0, authenticator, webSocket: false });
    const client = rawClient(server.url.replace('http', 'ws'));
    await expect(client.opened).rejects.toThrow();
  });

  it('still answers HTTP clients that offer an upgrade to HTTP/2', () =>
    withServer(async ({ port }) => {
      const socket = connectTcp(port, '127.0.0.1');
      socket.write('OPTIONS /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n');
      const answer = await new Promise((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
      expect(answer).toContain('HTTP/1.1 204');
      socket.destroy();
    }));
});

describe('a client that misbehaves', () => {
  /** Another client is served all the while. */
  const andOthersAreServed = async (url: string) => {
    const other = rawClient(url, { headers: { authorization: 'Bearer bob-key' } });
    await other.opened;
    other.send('tools/call', call);
    await expect.poll(() => other.heard).toMatchObject([works]);
    other.socket.close();
  };

  it.each([
    ['a binary frame', (socket: WebSocket) => socket.send(Buffer.from('{}')), 1003],
    ['a frame over the cap', (socket: WebSocket) => socket.send('x'.repeat(20_000)), 1009],
    ['many small pieces over the cap', (socket: WebSocket) => pieces(socket, 'x'.repeat(20_000), 1_000), 1009],
    ['text that is no UTF-8', (socket: WebSocket) => socket.send(Buffer.from([0xc3, 0x28]), { binary: false }), 1007],
    ['a reserved bit', (socket: WebSocket) => rawBytes(socket, [0xf1, 0x80, 0, 0, 0, 0]), 1002],
    ['a frame without mask', (socket: WebSocket) => rawBytes(socket, [0x81, 0x01, 0x61]), 1002],
  ])('ends with a code after %s', (_what, misbehave, code) =>
    withHub(
      async (url) => {
        const client = rawClient(url);
        await client.opened;
        misbehave(client.socket);
        expect((await client.ended).code).toBe(code);
        await andOthersAreServed(url);
      },
      { maxMessageBytes: 10_000 },
    ),
  );

  it.each([
    ['no JSON', 'hello', -32700],
    ['a duplicate key', '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32700],
    ['deep nesting', `${'['.repeat(200)}${']'.repeat(200)}`, -32700],
    ['two messages in a frame', '{"jsonrpc":"2.0","method":"a"}\n{"jsonrpc":"2.0","method":"b"}', -32700],
    ['no message', '[1,2]', -32600],
    ['null', 'null', -32600],
    ['an id of no kind', '{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600],
  ])('is answered with an error for %s, and served on', (_what, text, code) =>
    withHub(async (url) => {
      const client = rawClient(url);
      await client.opened;
      client.socket.send(text);
      client.send('tools/call', call);
      await expect.poll(() => client.heard).toMatchObject([{ id: null, error: { code } }, works]);
    }),
  );

  it('is served when its message comes in pieces', () =>
    withHub(async (url) => {
      const client = rawClient(url);
      await client.opened;
      pieces(client.socket, JSON.stringify(modernRequest('tools/call', { ...call, arguments: { text: 'h€i' } }).message), 1);
      await expect.poll(() => client.heard).toMatchObject([{ result: { structuredContent: { text: 'h€i' } } }]);
    }));

  it('sends 10,000 pings and is served', () =>
    withHub(async (url) => {
      const client = rawClient(url);
      await client.opened;
      for (let sent = 0; sent < 10_000; sent++) client.socket.ping('x');
      client.send('tools/call', call);
      await expect.poll(() => client.heard, { timeout: 5_000 }).toMatchObject([works]);
      await andOthersAreServed(url);
    }));

  it('opens a request to upgrade and never ends it', () =>
    withHub(async (url) => {
      const sockets = Array.from({ length: 50 }, () => connectTcp(Number(new URL(url).port), '127.0.0.1'));
      for (const socket of sockets) socket.write('GET /mcp HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\n');
      await andOthersAreServed(url);
      for (const socket of sockets) socket.destroy();
    }));

  it('uses one id twice at once', () =>
    withHub(async (url) => {
      const client = rawClient(url);
      await client.opened;
      client.send('tools/call', { name: 'slow', arguments: { ms: 50 } }, 7);
      client.send('tools/call', call, 7);
      await expect
        .poll(() => client.heard)
        .toMatchObject([
          { id: 7, error: { code: -32600 } },
          { id: 7, result: { content: [{ text: 'done' }] } },
        ]);
    }));

  it('floods with requests: a bounded number runs, the rest waits, none is lost, and it can cancel meanwhile', () =>
    withHub(
      async (url, hub) => {
        let running = 0;
        let most = 0;
        hub.register({
          tools: [
            {
              ...slow,
              name: 'counted',
              run: async ({ ms }: { ms: number }) => {
                most = Math.max(most, ++running);
                await sleep(ms);
                running--;
                return toolAnswer([{ type: 'text', text: 'done' }]);
              },
            } as never,
          ],
        });
        const client = rawClient(url);
        await client.opened;
        for (let id = 1; id <= 2_000; id++) client.send('tools/call', { name: 'counted', arguments: { ms: 1 } }, id);
        await andOthersAreServed(url);
        await expect.poll(() => client.heard.length, { timeout: 20_000 }).toBe(2_000);
        expect(most).toBe(8);

        client.heard.length = 0;
        for (let id = 1; id <= 12; id++) client.send('tools/call', { name: 'slow', arguments: { ms: 10_000 } }, id);
        for (let requestId = 1; requestId <= 12; requestId++)
          client.socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }));
        client.send('tools/call', call, 1);
        await expect.poll(() => client.heard).toMatchObject([works]);
      },
      { maxRequests: 8 },
    ));

  it('floods with subscriptions, and is refused beyond the bound', () =>
    withHub(
      async (url) => {
        const client = rawClient(url);
        await client.opened;
        for (let id = 1; id <= 500; id++) client.send('subscriptions/listen', { notifications: { resourceSubscriptions: [`board://x/${id}`] } }, id);
        client.send('subscriptions/listen', { notifications: { resourceSubscriptions: Array.from({ length: 200 }, (_, at) => `board://y/${at}`) } }, 501);
        await expect.poll(() => client.heard.length).toBe(501);
        const refused = client.heard.filter((each) => 'error' in each);
        expect(refused).toHaveLength(401);
        expect(refused[0]).toMatchObject({ error: { code: -31429, data: { code: 'LIMITED' } } });
        client.socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }));
        client.send('subscriptions/listen', { notifications: { resourceSubscriptions: ['board://x'] } }, 502);
        await expect.poll(() => client.heard.at(-1)).toMatchObject({ method: 'notifications/subscriptions/acknowledged' });
      },
      { maxSubscriptions: 100 },
    ));

  it.each([
    ['told of 10,000 changes', [], tellOften],
    ['told of 10,000 changes in a session', ['mcp.resume'], tellOften],
    ['told of 10,000 steps of a call', [], floodWithProgress],
    ['told of 10,000 steps of a call in a session', ['mcp.resume'], floodWithProgress],
  ])('stops reading while it is %s: it is cut off with 4408, memory stays bounded and others are served', (_what, protocols, tell) =>
    withHub(
      async (url, hub) => {
        const client = rawClient(url, { protocols });
        await client.opened;
        client.send('subscriptions/listen', { notifications: { resourceSubscriptions: [longUri] } }, 'l');
        await expect.poll(() => client.heard.at(-1)).toMatchObject({ method: 'notifications/subscriptions/acknowledged' });
        client.socket.pause();
        const before = process.memoryUsage().rss;
        await tell(hub, client.socket);
        await andOthersAreServed(url);
        expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
        client.socket.resume();
        // Its own queue is read to the end, where the reason stands, unless the patience of the hub ended first.
        expect([4408, 1006]).toContain((await client.ended).code);
        expect(client.heard.length).toBeLessThan(10_000);
      },
      { maxQueuedBytes: 2 ** 20 },
    ),
  );

  it('asks for more than it reads: it is served no further, and cut off when it reads nothing at all', () =>
    withHub(
      async (url) => {
        const client = rawClient(url);
        await client.opened;
        client.socket.pause();
        for (let id = 1; id <= 200; id++) client.send('tools/call', { name: 'big', arguments: { bytes: 500_000 } }, id);
        await andOthersAreServed(url);
        await sleep(900);
        client.socket.resume();
        expect([4408, 1006]).toContain((await client.ended).code);
        expect(client.heard.length).toBeLessThan(40);
      },
      { maxQueuedBytes: 2 ** 20, stallMs: 200, maxRequests: 4 },
    ));

  it('reads slowly, but reads: it gets everything', { timeout: 30_000 }, () =>
    withHub(
      async (url) => {
        const client = rawClient(url);
        await client.opened;
        const reader = setInterval(() => (client.socket.isPaused ? client.socket.resume() : client.socket.pause()), 10);
        for (let id = 1; id <= 60; id++) client.send('tools/call', { name: 'big', arguments: { bytes: 200_000 } }, id);
        await expect.poll(() => client.heard.length, { timeout: 20_000 }).toBe(60);
        clearInterval(reader);
        expect(client.socket.readyState).toBe(WebSocket.OPEN);
      },
      { maxQueuedBytes: 2 ** 20, stallMs: 2_000, maxRequests: 4 },
    ),
  );

  it('is gone without a word: its connection ends after a heartbeat, and its calls are cancelled', () =>
    withHub(
      async (url, hub) => {
        const finished: unknown[] = [];
        hub.events.on('call-finished', ({ error, result }) => finished.push(error ?? result));
        const client = rawClient(url, { autoPong: false });
        await client.opened;
        client.send('tools/call', { name: 'slow', arguments: { ms: 60_000 } });
        expect((await client.ended).code).toBe(1006);
        await expect.poll(() => finished).toHaveLength(1);
        const alive = rawClient(url);
        await alive.opened;
        await sleep(150);
        expect(alive.socket.readyState).toBe(WebSocket.OPEN);
      },
      { heartbeatMs: 30 },
    ));
});

describe('closing a hub that has connections', () => {
  it('lets calls under way end, tells the rest that they are cancelled, ends subscriptions, then closes with 1001', async () => {
    await using hub = testHub();
    hub.register({ tools: [slow] });
    const server = await serveWebSocket(hub, { port: 0, authenticator, closeGraceMs: 2_000 });
    const client = rawClient(server.url);
    await client.opened;
    client.send('subscriptions/listen', { notifications: { toolsListChanged: true } }, 'l');
    client.send('tools/call', { name: 'slow', arguments: { ms: 700 } }, 1);
    client.send('tools/call', { name: 'slow', arguments: { ms: 60_000 } }, 2);
    await expect.poll(() => client.heard).toHaveLength(1);
    await sleep(20);
    const closed = server.close();
    client.send('tools/call', call, 3);
    expect(await client.ended).toMatchObject({ code: 1001 });
    await closed;
    expect(client.heard.slice(1)).toMatchObject([
      { id: 3, error: { code: -31503 } },
      { id: 1, result: { content: [{ text: 'done' }] } },
      { id: 2, error: { code: -31499, data: { code: 'CANCELLED' } } },
      { id: 'l', result: { resultType: 'complete' } },
    ]);
  });

  it('does not wait for one that does not read', async () => {
    await using hub = testHub();
    hub.register({ tools: [slow] });
    const server = await serveHttp(hub, { port: 0, authenticator, webSocket: { closeGraceMs: 50 } });
    const client = rawClient(server.url.replace('http', 'ws'));
    await client.opened;
    client.socket.pause();
    const started = performance.now();
    await server.close();
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});

describe('subscriptions over WebSocket', () => {
  it.each([
    ['2026-07-28', { pin: '2026-07-28' } as const],
    ['a 2025 revision', 'legacy' as const],
  ])('bring each event once, in order, to who asked: %s', (_what, mode) =>
    withHub(async (url, hub) => {
      const client = new Client({ name: 'c', version: '1.0.0' }, { versionNegotiation: { mode } });
      const heard: string[] = [];
      client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(params.uri));
      client.setNotificationHandler('notifications/tools/list_changed', () => void heard.push('tools'));
      await client.connect(connectWebSocket(url, { key: 'alice-key' }));
      if (mode === 'legacy') await client.subscribeResource({ uri: 'board://x' });
      else await client.listen({ resourceSubscriptions: ['board://x'], toolsListChanged: true });
      hub.resourceUpdated('board://x');
      hub.resourceUpdated('board://y');
      hub.register({ tools: [{ ...slow, name: 'another' }] });
      hub.resourceUpdated('board://x');
      await expect.poll(() => heard).toEqual(['board://x', 'tools', 'board://x']);
      await client.close();
    }),
  );
});

const longUri = `board://x/${'u'.repeat(2_000)}`;

async function tellOften(hub: Hub): Promise<void> {
  for (let told = 0; told < 10_000; told++) {
    hub.resourceUpdated(longUri);
    if (told % 100 === 0) await sleep(1);
  }
}

async function floodWithProgress(_hub: Hub, socket: WebSocket): Promise<void> {
  socket.send(JSON.stringify(modernRequest('tools/call', { name: 'flood', arguments: { times: 10_000 } }, { progressToken: 1 }).message));
  await sleep(300);
}

function pieces(socket: WebSocket, text: string, size: number): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) socket.send(bytes.subarray(at, at + size), { binary: false, fin: at + size >= bytes.length });
}

function rawBytes(socket: WebSocket, bytes: number[]): void {
  (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(Buffer.from(bytes));
}
