import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createHub, defineTool, inProcessPrincipal, toolAnswer } from '@meshwork/core';
import { serveHttp, serveSocket, serveStdio, serveWebSocket } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { modernRequest } from './world.ts';

const BYTES = 8 * 2 ** 20;
const END = 'the end of it';
const authenticator = { everybody: inProcessPrincipal('reader') };

/** More than the system takes for a reader: the rest waits in the hub until somebody reads. */
const bigHub = () =>
  createHub({
    modules: [
      {
        name: 'm',
        tools: [
          defineTool({
            name: 'big',
            description: 'x',
            category: 'test',
            effect: 'read',
            input: z.strictObject({}),
            run: async (_args, { progress }) => {
              await progress({ progress: 1, total: 1 });
              return toolAnswer([{ type: 'text', text: 'x'.repeat(BYTES) + END }]);
            },
          }),
        ],
      },
    ],
  });

/** An answer that has begun to come and is not read on. */
interface Begun {
  /** Reads the rest; all of it, in bytes, and whether it is whole. */
  rest(): Promise<{ readonly bytes: number; readonly isWhole: boolean }>;
}

type Face = (hub: ReturnType<typeof bigHub>, closeGraceMs: number) => Promise<Begun & { close(): Promise<void> }>;

const faces: Readonly<Record<string, Face>> = {
  'MCP over HTTP': (hub, closeGraceMs) => overHttp(hub, closeGraceMs, '/mcp', modernRequest('tools/call', { name: 'big', arguments: {} })),
  'MCP over HTTP, with progress': (hub, closeGraceMs) =>
    overHttp(hub, closeGraceMs, '/mcp', modernRequest('tools/call', { name: 'big', arguments: {} }, { progressToken: 1 })),
  REST: (hub, closeGraceMs) => overHttp(hub, closeGraceMs, '/mcp/tools/big', { headers: { 'content-type': 'application/json' }, message: {} }),
  async WebSocket(hub, closeGraceMs) {
    const server = await serveWebSocket(hub, { port: 0, authenticator, closeGraceMs });
    const begun = await overWebSocket(server.url);
    return { ...begun, close: () => server.close() };
  },
  async 'WebSocket on the port of HTTP'(hub, closeGraceMs) {
    const server = await serveHttp(hub, { port: 0, authenticator, closeGraceMs, webSocket: { closeGraceMs } });
    const begun = await overWebSocket(server.url.replace('http', 'ws'));
    return { ...begun, close: () => server.close() };
  },
  async 'Unix socket'(hub, closeGraceMs) {
    const path = join(tmpdir(), `meshwork-closing-${process.pid}-${Math.random().toString(36).slice(2)}.sock`);
    const server = await serveSocket(hub, { path, principal: inProcessPrincipal('reader'), closeGraceMs });
    const socket = connect(path);
    socket.write(`${JSON.stringify(modernRequest('tools/call', { name: 'big', arguments: {} }).message)}\n`);
    return { ...(await begunOn(socket)), close: () => server.close() };
  },
};

async function overHttp(
  hub: ReturnType<typeof bigHub>,
  closeGraceMs: number,
  path: string,
  { headers, message }: { readonly headers: Readonly<Record<string, string>>; readonly message: object },
): Promise<Begun & { close(): Promise<void> }> {
  const server = await serveHttp(hub, { port: 0, authenticator, closeGraceMs });
  const socket = connect(server.port, '127.0.0.1');
  const body = JSON.stringify(message);
  const lines = Object.entries({ ...headers, host: '127.0.0.1', 'content-length': body.length }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
  return { ...(await begunOn(socket)), close: () => server.close() };
}

async function begunOn(socket: Socket): Promise<Begun> {
  let bytes = 0;
  let tail = '';
  socket.on('error', () => {});
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      tail = (tail + chunk.subarray(-2_000).toString('latin1')).slice(-2_000);
      resolve();
    });
  });
  socket.pause();
  return {
    async rest() {
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.resume();
      await closed;
      return { bytes, isWhole: tail.includes(END) };
    },
  };
}

async function overWebSocket(url: string): Promise<Begun> {
  const socket = new WebSocket(url, 'mcp', { maxPayload: 2 * BYTES });
  socket.on('error', () => {});
  let frame = '';
  socket.on('message', (data) => {
    frame = String(data).includes(END) ? String(data) : frame;
  });
  await new Promise((resolve) => socket.once('open', resolve));
  socket.pause();
  socket.send(JSON.stringify(modernRequest('tools/call', { name: 'big', arguments: {} }).message));
  // The hub writes, and nobody reads.
  await sleep(300);
  return {
    async rest() {
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.resume();
      await closed;
      return { bytes: frame.length, isWhole: frame.includes(END) };
    },
  };
}

describe.concurrent('a server that closes while a large answer is being written', () => {
  it.each(Object.entries(faces))('lets its reader take it to the end within the grace: %s', async (_name, face) => {
    await using hub = bigHub();
    const { rest, close } = await face(hub, 10_000);
    const closed = close();
    // Longer than a last answer is waited for when nobody is seen to read it.
    await sleep(1_600);
    const { bytes, isWhole } = await rest();
    expect(isWhole).toBe(true);
    expect(bytes).toBeGreaterThan(BYTES);
    await closed;
  });

  it.each(Object.entries(faces))('waits no longer than the grace for one who does not read: %s', async (_name, face) => {
    await using hub = bigHub();
    const { rest, close } = await face(hub, 1_500);
    const started = performance.now();
    await close();
    expect(performance.now() - started).toBeLessThan(8_000);
    expect((await rest()).isWhole).toBe(false);
  });
});

describe('a server that closes', () => {
  it.each([
    ['has all read that it wrote to a pipe', 60_000, true],
    ['does not wait for ever for the reader of a pipe', 300, false],
  ])('%s', async (_what, closeGraceMs, reads) => {
    await using hub = bigHub();
    const [input, output] = [new PassThrough(), new PassThrough()];
    const server = await serveStdio(hub, { principal: inProcessPrincipal('reader'), input, output, closeGraceMs });
    input.write(`${JSON.stringify(modernRequest('tools/call', { name: 'big', arguments: {} }).message)}\n`);
    await expect.poll(() => output.writableLength + output.readableLength).toBeGreaterThan(BYTES);
    let isClosed = false;
    const closed = server.close().then(() => {
      isClosed = true;
    });
    await sleep(100);
    expect(isClosed).toBe(false);
    if (reads) output.resume();
    await closed;
  });

  it('waits only a moment for those who have not ended their requests', async () => {
    await using hub = bigHub();
    const server = await serveHttp(hub, { port: 0, authenticator, closeGraceMs: 60_000 });
    const open = ['POST /mc', 'POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{'].map((text) => {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => {}).write(text);
      return new Promise((resolve) => socket.once('close', resolve));
    });
    await sleep(200);
    await server.close();
    await Promise.all(open);
  });
});
