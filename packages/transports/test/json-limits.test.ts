import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHub, defineTool, type Hub, inProcessPrincipal, toolAnswer } from '@meshwork/core';
import { connectSocket, connectWebSocket, createFetchHandler, serveHttp, serveSocket, serveWebSocket } from '@meshwork/transports';
import { Client } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { modernRequest } from './world.ts';

const everybody = inProcessPrincipal('somebody');
const authenticator = { everybody };

function hubWith(text = 'ok'): Hub {
  const take = defineTool({
    name: 'take',
    description: 'x',
    category: 'test',
    effect: 'read',
    input: z.looseObject({}),
    run: () => toolAnswer([{ type: 'text', text }]),
  });
  return createHub({ modules: [{ name: 'm', tools: [take] }] });
}

type Limits = NonNullable<Parameters<typeof serveHttp>[1]['jsonLimits']>;

/** Calls `take` with arguments over a face that has the limits; what it said. */
type Ask = (hub: Hub, jsonLimits: Limits | undefined, args: object) => Promise<string>;

const pathOf = () => join(tmpdir(), `meshwork-json-${process.pid}-${Math.random().toString(36).slice(2)}.sock`);
const messageOf = (args: object) => JSON.stringify(modernRequest('tools/call', { name: 'take', arguments: args }).message);
const { headers } = modernRequest('tools/call', { name: 'take', arguments: {} });

const faces: Readonly<Record<string, Ask>> = {
  async 'MCP over HTTP'(hub, jsonLimits, args) {
    await using server = await serveHttp(hub, { port: 0, authenticator, ...(jsonLimits && { jsonLimits }) });
    return (await fetch(server.url, { method: 'POST', headers, body: messageOf(args) })).text();
  },
  async 'MCP of a fetch handler'(hub, jsonLimits, args) {
    const handler = createFetchHandler(hub, { authenticator, ...(jsonLimits && { jsonLimits }) });
    const request = new Request('http://127.0.0.1/mcp', { method: 'POST', headers: { ...headers, host: '127.0.0.1' }, body: messageOf(args) });
    return (await handler(request)).text();
  },
  async REST(hub, jsonLimits, args) {
    await using server = await serveHttp(hub, { port: 0, authenticator, ...(jsonLimits && { jsonLimits }) });
    const body = JSON.stringify(args);
    return (await fetch(`${server.url}/tools/take`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).text();
  },
  WebSocket: (hub, jsonLimits, args) => overWebSocket(hub, jsonLimits, args, ['mcp']),
  'WebSocket that can be resumed': (hub, jsonLimits, args) => overWebSocket(hub, jsonLimits, args, ['mcp.resume']),
  async 'Unix socket'(hub, jsonLimits, args) {
    const path = pathOf();
    await using _ = await serveSocket(hub, { path, principal: everybody, ...(jsonLimits && { jsonLimits }) });
    const transport = connectSocket(path);
    const heard = new Promise<string>((resolve) => {
      transport.onmessage = (message) => resolve(JSON.stringify(message));
    });
    await transport.start();
    await transport.send(JSON.parse(messageOf(args)));
    const answer = await heard;
    await transport.close();
    return answer;
  },
};

async function overWebSocket(hub: Hub, jsonLimits: Limits | undefined, args: object, protocols: string[]): Promise<string> {
  await using server = await serveWebSocket(hub, { port: 0, authenticator, ...(jsonLimits && { jsonLimits }) });
  const socket = new WebSocket(server.url, protocols);
  const heard = new Promise<string>((resolve) => {
    socket.onmessage = ({ data }) => {
      if (!String(data).includes('notifications/meshwork')) resolve(String(data));
    };
  });
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
  socket.send(messageOf(args));
  const answer = await heard;
  socket.close();
  return answer;
}

const long = { text: 'x'.repeat(300_000) };
const many = { list: Array.from({ length: 110_000 }, () => 0) };
const wide = Object.fromEntries(Array.from({ length: 11_000 }, (_, at) => [`k${at}`, 0]));
const more = { maxStringLength: 1_000_000, maxValues: 200_000, maxMembers: 20_000 };

describe.each(Object.entries(faces))('JSON from outside over %s', (_face, ask) => {
  it('is bounded as the options say', async () => {
    await using hub = hubWith();
    for (const args of [long, many, wide]) {
      expect(await ask(hub, undefined, args)).toMatch(/more than (the )?(262144|100000|10000) /);
      expect(await ask(hub, more, args)).toContain('"ok"');
    }
    expect(await ask(hub, { maxValues: 50 }, { list: Array.from({ length: 60 }, () => 0) })).toMatch(/more than 50 values/);
    expect(await ask(hub, { maxDepth: 5 }, { a: { b: { c: { d: { e: { f: 1 } } } } } })).toMatch(/more than 5 levels/);
  });
});

describe('an answer that a client has asked for', () => {
  it.each(['WebSocket', 'Unix socket'])('may have any length: %s', async (face) => {
    await using hub = hubWith('x'.repeat(300_000));
    const path = pathOf();
    await using server = await (face === 'WebSocket' ? serveWebSocket(hub, { port: 0, authenticator }) : serveSocket(hub, { path, principal: everybody }));
    const client = new Client({ name: 'c', version: '1.0.0' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect('url' in server ? connectWebSocket(server.url) : connectSocket(path));
    const { content } = await client.callTool({ name: 'take', arguments: {} }, { timeout: 5_000 });
    expect((content as { text: string }[])[0]?.text).toHaveLength(300_000);
    await client.close();
  });
});
