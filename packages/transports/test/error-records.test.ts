import { UnavailableError } from '@meshwork/core';
import { type DoorRefusal, serveHttp } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { authenticator, modernRequest, testHub } from './world.ts';

interface Message {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** A caller on one face of a hub: sends a request and gives the message that answers it. */
type Ask = (method: string, params?: object) => Promise<Message>;
type OpenFace = (url: string) => Promise<{ ask: Ask; close(): void }>;

const key = { authorization: 'Bearer alice-key' };
const accept = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
const request = (method: string, params: object = {}) => ({ jsonrpc: '2.0', id: 7, method, params });
const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'old', version: '1' } };

/** The messages of a body, which is one or a stream of them. */
function messagesIn(text: string): Message[] {
  if (text.startsWith('{')) return [JSON.parse(text)];
  return [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, data]) => JSON.parse(data ?? ''));
}

const faces: Readonly<Record<string, OpenFace>> = {
  'MCP 2025-11-25 over HTTP': async (url) => {
    const post = (body: object, headers = {}) => fetch(url, { method: 'POST', headers: { ...key, ...accept, ...headers }, body: JSON.stringify(body) });
    const opened = await post(request('initialize', hello));
    await opened.text();
    const session = { 'mcp-session-id': String(opened.headers.get('mcp-session-id')), 'mcp-protocol-version': '2025-11-25' };
    return {
      async ask(method, params) {
        const answer = await post(request(method, params), session);
        expect(answer.status).toBe(200);
        return messagesIn(await answer.text()).at(-1) ?? {};
      },
      close: () => {},
    };
  },
  'MCP 2026-07-28 over HTTP, through the SDK': async (url) => ({
    async ask(method, params = {}) {
      const { headers, message } = modernRequest(method, params as Record<string, unknown>);
      // A header nobody mirrors: left to the SDK, which words the answer.
      const answer = await fetch(url, { method: 'POST', headers: { ...headers, traceparent: 'none' }, body: JSON.stringify(message) });
      return messagesIn(await answer.text()).at(-1) ?? {};
    },
    close: () => {},
  }),
  'HTTP+SSE': async (url) => {
    const gone = new AbortController();
    const stream = await fetch(new URL('/sse', url), { headers: key, signal: gone.signal });
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    let heard = '';
    const hear = async (pattern: RegExp) => {
      for (;;) {
        const found = pattern.exec(heard);
        if (found !== null) {
          heard = heard.slice(found.index + found[0].length);
          return found[1] ?? '';
        }
        heard += new TextDecoder().decode((await reader.read()).value);
      }
    };
    const path = await hear(/event: endpoint\ndata: (.*)\n/);
    const ask: Ask = async (method, params) => {
      await fetch(new URL(path, url), { method: 'POST', headers: { ...key, ...accept }, body: JSON.stringify(request(method, params)) });
      return JSON.parse(await hear(/event: message\ndata: (.*)\n/));
    };
    await ask('initialize', hello);
    return { ask, close: () => gone.abort() };
  },
  WebSocket: async (url) => {
    const socket = new WebSocket(url.replace('http', 'ws'), ['mcp'], { headers: key });
    await new Promise((resolve) => socket.once('open', resolve));
    const ask: Ask = (method, params) =>
      new Promise((resolve) => {
        socket.once('message', (data) => resolve(JSON.parse(String(data))));
        socket.send(JSON.stringify(request(method, params)));
      });
    await ask('initialize', hello);
    return { ask, close: () => socket.terminate() };
  },
};

async function onFace(name: string, work: (ask: Ask, refusals: DoorRefusal[], calls: () => number) => Promise<void>, recorder?: () => Promise<void>) {
  const refusals: DoorRefusal[] = [];
  await using hub = testHub();
  let calls = 0;
  hub.events.on('call-finished', () => {
    calls += 1;
  });
  const refused = recorder ?? (async (refusal: DoorRefusal) => void refusals.push(refusal));
  await using server = await serveHttp(hub, { port: 0, authenticator, recorder: { refused }, closeGraceMs: 200 });
  const { ask, close } = await (faces[name] as OpenFace)(server.url);
  await work(ask, refusals, () => calls);
  close();
}

describe.each(Object.keys(faces))('an error that refuses a request before it is a call, over %s', (face) => {
  it.each<[string, string, object, number]>([
    ['a method nobody has', 'tools/destroy', {}, 404],
    ['a call of no tool', 'tools/call', {}, 400],
    ['a call whose arguments are no object', 'tools/call', { name: 'echo', arguments: 'hi' }, 400],
    // The SDK takes this for a failure of its own.
    ['a resource without a name', 'resources/read', {}, 500],
  ])('leaves one record: %s', (_what, method, params, status) =>
    onFace(face, async (ask, refusals, calls) => {
      const { error } = await ask(method, params);
      expect(error).toBeDefined();
      expect(refusals).toMatchObject([{ status, principal: 'alice', address: '127.0.0.1', reason: error?.message }]);
      expect(calls()).toBe(0);
    }),
  );

  it.each<[string, string, object]>([
    ['a tool nobody has', 'tools/call', { name: 'nope', arguments: {} }],
    ['arguments that do not fit', 'tools/call', { name: 'echo', arguments: { other: 1 } }],
    ['a resource nobody has', 'resources/read', { uri: 'x://y' }],
    ['a prompt nobody has', 'prompts/get', { name: 'nope' }],
  ])('leaves that of the call alone: %s', (_what, method, params) =>
    onFace(face, async (ask, refusals, calls) => {
      await ask(method, params);
      expect([refusals, calls()]).toEqual([[], 1]);
    }),
  );

  it('does not go unrecorded: what cannot be recorded is answered with that', () =>
    onFace(
      face,
      async (ask) => {
        expect((await ask('tools/destroy')).error).toMatchObject({ code: -31503, message: expect.stringContaining('audit store') });
        expect((await ask('tools/list')).result).toBeDefined();
      },
      () => Promise.reject(new UnavailableError('the disk is full')),
    ));
});
