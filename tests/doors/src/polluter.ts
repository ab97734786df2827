import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { defineTool, inProcessPrincipal } from '@meshwork/core';
import { serveHttp, serveStdio } from '@meshwork/transports';
import { z } from 'zod';
import { doorOf, mcpRequest } from './faces.ts';
import { freezePrototypes } from './freeze-prototypes.ts';
import { mark, pollutingNames as names, pollutingValues as values } from './hostile/polluting.ts';
import { createWorld } from './world.ts';

/** What a run of this program found, as one JSON document on standard output. */
export interface Pollution {
  readonly sent: number;
  /** Answers that say the hub itself failed. */
  readonly broken: readonly string[];
  /** Properties that intrinsic objects have now and had not before, or have no more. */
  readonly changed: readonly string[];
  /** What a tool saw on a fresh object, or inherited by its arguments. */
  readonly seen: readonly string[];
  /** A good call of each face still works. */
  readonly works: boolean;
}

const intrinsics = { Object, Array, Function, String, Number, Boolean, Map, Set, Promise, RegExp, Date, Error } as const;

const before = snapshot();
const seen: string[] = [];
const probe = defineTool({
  name: 'probe',
  description: 'Looks for what does not belong.',
  category: 'other',
  effect: 'read',
  input: z.looseObject({}),
  output: z.object({ fine: z.literal(true) }),
  run(args) {
    if (mark in {} || mark in [] || mark in Object(() => {})) seen.push('a fresh object');
    if (mark in args && !Object.hasOwn(args, mark)) seen.push('arguments');
    return { fine: true as const };
  },
});
const world = createWorld({ modules: [{ name: 'probe', tools: [probe] }] });
const { key } = await world.guard.agents.add({ name: 'alice' });
const quick = doorOf(world, { key }, 'local');
const slow = doorOf(world, { key }, 'local', { quickCalls: false });
const server = await serveHttp(world.hub, { port: 0, authenticator: world.guard.authenticator });
const [up, down] = [new PassThrough(), new PassThrough()];
const stdio = await serveStdio(world.hub, { principal: inProcessPrincipal('alice'), input: up, output: down });

if (process.argv[2] === 'frozen') freezePrototypes(Object.values(intrinsics).map(({ prototype }) => prototype));

const texts: string[] = [];
let sent = 0;
const send = async (door: typeof quick, path: string, init: RequestInit) => {
  sent += 1;
  const response = await door.send(path, init);
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true && init.method === 'GET';
  const text = isStream ? '' : await response.text();
  if (response.status >= 500 || /"INTERNAL"|-32603/.test(text)) texts.push(`${path}: ${response.status} ${text}`);
  return text;
};
const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const post = (body: string, more: object = {}): RequestInit => ({ method: 'POST', headers: { ...headers, ...more }, body });
const meta = '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';
const modern = (method: string, name?: string) => ({
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': method,
  ...(name !== undefined && { 'mcp-name': name }),
});

for (const value of values) {
  for (const door of [quick, slow]) {
    await send(
      door,
      '/mcp',
      post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"probe","arguments":${value},${meta}}}`, modern('tools/call', 'probe')),
    );
    await send(door, '/mcp', post(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":${value}}`, modern('tools/list')));
    await send(door, '/mcp', post(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":${value}}}`, modern('tools/list')));
    await send(door, '/mcp', post(`{"jsonrpc":"2.0","id":${value},"method":"tools/list"}`, modern('tools/list')));
    await send(
      door,
      '/mcp',
      post(
        `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":${value},"clientInfo":{"name":"x","version":"1"}}}`,
      ),
    );
    await send(door, '/mcp', post(value));
  }
  await send(quick, '/mcp/tools/probe', post(value));
  await send(quick, '/mcp/tools/request_permission', post(value));
  await send(quick, '/mcp/execute', post(value));
  await send(quick, '/mcp/execute', post(`{"tool":"probe","params":${value}}`));
  await send(quick, '/sse/messages?session=__proto__', post(value));
}
for (const name of names) {
  const encoded = encodeURIComponent(name);
  for (const door of [quick, slow]) {
    await send(door, '/mcp', mcpRequest('tools/call', { name, arguments: {} }));
    await send(door, '/mcp', mcpRequest('resources/read', { uri: name }));
    await send(door, '/mcp', mcpRequest('prompts/get', { name }));
    await send(door, '/mcp', mcpRequest(name));
    await send(door, '/mcp', post('{}', { 'mcp-session-id': name }));
  }
  await send(quick, `/mcp/tools/${encoded}`, post('{}'));
  await send(quick, `/mcp/tools/${encoded}`, { method: 'GET' });
  await send(quick, `/mcp/resources/${encoded}`, { method: 'GET' });
  await send(quick, `/mcp/prompts/${encoded}`, post('{}'));
  await send(quick, `/api/operations?status=${encoded}&__proto__=x`, { method: 'GET' });
  await send(quick, `/mcp/tools/request_permission`, post(JSON.stringify({ agent_id: name, resource_type: name, justification: name, scope: name })));
}

/** Lines over stdio, and frames over a socket, each followed by a good call whose answer ends the wait. */
const frames = values.flatMap((value) => [value, `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"probe","arguments":${value},${meta}}}`]);
const good = `{"jsonrpc":"2.0","id":"last","method":"tools/call","params":{"name":"probe","arguments":{},${meta}}}`;
sent += 2 * frames.length;
let heard = '';
down.on('data', (chunk) => {
  heard += String(chunk);
});
for (const frame of [...frames, good]) up.write(`${frame}\n`);
while (!heard.includes('"last"')) await once(down, 'data');
// An endpoint may close on what is no message; each frame has a socket of its own.
let overSocket = '';
for (const frame of frames) {
  const socket = new WebSocket(server.url.replace('http', 'ws'), ['mcp', `mcp.bearer.${Buffer.from(key).toString('base64url')}`]);
  await once(socket, 'open');
  socket.send(frame);
  socket.send(good);
  await new Promise<void>((resolve) => {
    socket.onclose = () => resolve();
    socket.onmessage = ({ data }) => {
      overSocket = String(data);
      if (overSocket.includes('"last"')) socket.close();
    };
  });
}

const works: boolean[] = [heard.includes('"fine":true'), overSocket.includes('"fine":true')];
for (const door of [quick, slow]) works.push((await send(door, '/mcp', mcpRequest('tools/call', { name: 'probe', arguments: {} }))).includes('"fine":true'));
works.push((await send(quick, '/mcp/tools/probe', post('{}'))).includes('"fine":true'));

const after = snapshot();
const changed = [...new Set([...before, ...after])].filter((name) => before.has(name) !== after.has(name));
process.stdout.write(JSON.stringify({ sent, broken: texts, changed, seen, works: works.every(Boolean) } satisfies Pollution));
await stdio.close();
await Promise.all([quick.close(), slow.close(), server.close()]);
await world.hub.close();

function snapshot(): Set<string> {
  return new Set(
    Object.entries(intrinsics).flatMap(([name, intrinsic]) => [
      ...Reflect.ownKeys(intrinsic).map((key) => `${name}.${String(key)}`),
      ...Reflect.ownKeys(intrinsic.prototype).map((key) => `${name}.prototype.${String(key)}`),
    ]),
  );
}
