import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ConflictError, UnavailableError } from '@meshwork/core';
import { connectSocket, type ServeSocketOptions, serveSocket } from '@meshwork/transports';
import { Client } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { describe, expect, it } from 'vitest';
import { alice, modernRequest, testHub } from './world.ts';

async function inFolder(work: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-socket-'));
  try {
    await work(join(folder, 'hub.sock'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const withSocket = (work: (path: string, hub: ReturnType<typeof testHub>) => Promise<void>, options: Partial<ServeSocketOptions> = {}) =>
  inFolder(async (path) => {
    await using hub = testHub();
    await using _ = await serveSocket(hub, { path, closeGraceMs: 100, ...options } as ServeSocketOptions);
    await work(path, hub);
  });

async function newClient(place: Parameters<typeof connectSocket>[0], mode: 'auto' | 'legacy' = 'auto'): Promise<Client> {
  const client = new Client({ name: 'c', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(connectSocket(place));
  return client;
}

const endOf = (socket: Socket) => new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));

const whoami = { name: 'whoami', arguments: {} };
const line = (method: string, params: Record<string, unknown>, id: number | string) => `${JSON.stringify({ ...modernRequest(method, params).message, id })}\n`;

describe('a hub on a Unix socket', () => {
  it.each(['auto', 'legacy'] as const)('serves a 2.x client (%s) as the user who runs it', (mode) =>
    withSocket(async (path) => {
      const client = await newClient(path, mode);
      expect(await client.callTool(whoami)).toMatchObject({ structuredContent: { id: userInfo().username, face: 'stdio' } });
      let heard = 0;
      await Promise.all(Array.from({ length: 50 }, () => client.callTool({ name: 'steps', arguments: {} }, { onprogress: () => void heard++ })));
      expect(heard).toBe(150);
      await client.close();
    }),
  );

  it('serves a 1.x client, and whom else it is told to', () =>
    withSocket(
      async (path) => {
        const client = new OldClient({ name: 'old', version: '1.0.0' });
        await client.connect(connectSocket(path) as never);
        expect(await client.callTool(whoami)).toMatchObject({ structuredContent: { id: 'alice' } });
        await client.close();
      },
      { principal: alice } as never,
    ));

  it('is open to its owner only, and takes its file away when it ends', () =>
    inFolder(async (path) => {
      await using hub = testHub();
      const mask = process.umask(0);
      const server = await serveSocket(hub, { path });
      process.umask(mask);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(server.address).toEqual({ path });
      await server.close();
      await expect(stat(path)).rejects.toThrow('ENOENT');
      await expect(newClient(path)).rejects.toThrow(UnavailableError);
    }));

  it('refuses where another hub listens, and leaves that alone', () =>
    withSocket(async (path) => {
      await using other = testHub();
      await expect(serveSocket(other, { path })).rejects.toThrow(ConflictError);
      const client = await newClient(path);
      expect(await client.callTool(whoami)).toBeDefined();
      await client.close();
    }));

  it('refuses where something is that is no socket, and leaves that alone', () =>
    inFolder(async (path) => {
      await writeFile(path, 'mine');
      await using hub = testHub();
      await expect(serveSocket(hub, { path })).rejects.toThrow(ConflictError);
      expect(await readFile(path, 'utf8')).toBe('mine');
    }));

  it('says so when it cannot listen', () =>
    inFolder(async (path) => {
      await using hub = testHub();
      await expect(serveSocket(hub, { path: join(path, 'nowhere', 'x') })).rejects.toThrow(UnavailableError);
      await expect(serveSocket(hub, { path: join(path, 'x'.repeat(200)) })).rejects.toThrow();
    }));

  it('takes over the file of a hub that was killed; of several at once, one does', () =>
    inFolder(async (path) => {
      const child = fork(fileURLToPath(new URL('./socket-hub.ts', import.meta.url)), [path], { execArgv: ['--conditions=@meshwork/source'] });
      await once(child, 'message');
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect((await stat(path)).isSocket()).toBe(true);
      await using hub = testHub();
      const attempts = await Promise.allSettled(Array.from({ length: 4 }, () => serveSocket(hub, { path })));
      const servers = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
      expect(servers.length).toBeGreaterThan(0);
      const client = await newClient(path);
      expect(await client.callTool(whoami)).toBeDefined();
      await client.close();
      for (const server of servers) await server.close();
      expect(await readdir(join(path, '..'))).toEqual([]);
    }));

  it('lets in whom it is told to on a port, and nobody else', async () => {
    await using hub = testHub();
    let isOpen = true;
    await using server = await serveSocket(hub, {
      port: 0,
      authenticate: ({ remoteAddress }) => (isOpen && remoteAddress === '127.0.0.1' ? alice : undefined),
    });
    const place = server.address as { port: number };
    const client = await newClient(place);
    expect(await client.callTool(whoami)).toMatchObject({ structuredContent: { id: 'alice' } });
    await client.close();
    isOpen = false;
    const refused = connect(place.port, '127.0.0.1');
    await endOf(refused);
  });

  it('cuts off one that opens with something else than a message, such as a page in a browser', async () => {
    await using hub = testHub();
    await using server = await serveSocket(hub, { port: 0, authenticate: () => alice });
    const calls: unknown[] = [];
    hub.events.on('call-finished', ({ call }) => calls.push(call));
    const { port } = server.address as { port: number };
    const page = connect(port, '127.0.0.1');
    page.write(`POST / HTTP/1.1\r\nhost: localhost\r\n\r\n${line('tools/call', whoami, 1)}`);
    page.resume();
    await endOf(page);
    expect(calls).toEqual([]);
  });
});

describe('a program at the other end of a socket that misbehaves', () => {
  it('stops reading while it is told of 10,000 changes: it is cut off, and others are served', () =>
    withSocket(
      async (path, hub) => {
        const uri = `board://${'u'.repeat(2_000)}`;
        const socket = connect(path);
        socket.on('error', () => {});
        socket.write(line('subscriptions/listen', { notifications: { resourceSubscriptions: [uri] } }, 'l'));
        await once(createInterface({ input: socket }), 'line');
        socket.pause();
        const ended = endOf(socket);
        const before = process.memoryUsage().rss;
        for (let told = 0; told < 10_000; told++) hub.resourceUpdated(uri);
        const other = await newClient(path);
        expect(await other.callTool(whoami)).toBeDefined();
        expect(process.memoryUsage().rss - before).toBeLessThan(60 * 2 ** 20);
        socket.resume();
        await ended;
        await other.close();
      },
      { maxQueuedBytes: 2 ** 20 } as never,
    ));

  it('reads nothing of its answers: its reading stops, and then it is cut off', () =>
    withSocket(
      async (path, hub) => {
        let calls = 0;
        hub.events.on('call-finished', () => void calls++);
        const socket = connect(path);
        socket.on('error', () => {});
        socket.pause();
        const ended = endOf(socket);
        for (let id = 1; id <= 500; id++) socket.write(line('tools/call', { name: 'echo', arguments: { text: 'x'.repeat(50_000) } }, id));
        // Until it reads no more, and then five times as long as it waits for a reader.
        for (let before = -1; before !== calls; ) {
          before = calls;
          await sleep(500);
        }
        socket.resume();
        await ended;
        expect(calls).toBeLessThan(200);
      },
      { stallMs: 100, maxQueuedBytes: 2 ** 20 } as never,
    ));

  it('does not hang up: it is cut off when the hub closes', () =>
    inFolder(async (path) => {
      await using hub = testHub();
      const server = await serveSocket(hub, { path, closeGraceMs: 50 });
      const socket = connect({ path, allowHalfOpen: true });
      socket.on('error', () => {});
      socket.write(line('tools/call', whoami, 1));
      await once(createInterface({ input: socket }), 'line');
      const started = performance.now();
      await server.close();
      expect(performance.now() - started).toBeLessThan(3_000);
      socket.destroy();
    }));

  it('is a hub that ends: its client hears of it', () =>
    inFolder(async (path) => {
      const server = createServer((socket) => socket.destroy());
      await new Promise<void>((resolve) => server.listen(path, resolve));
      await chmod(path, 0o600);
      const transport = connectSocket(path);
      const closed = new Promise<void>((resolve) => {
        transport.onclose = resolve;
      });
      await transport.start();
      await closed;
      await expect(transport.send({ jsonrpc: '2.0', method: 'x' })).rejects.toThrow(UnavailableError);
      await new Promise((resolve) => server.close(resolve));
    }));
});
