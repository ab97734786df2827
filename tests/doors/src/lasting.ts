import { connectWebSocket } from '@meshwork/transports';
import { Client } from '@modelcontextprotocol/client';

/** Something that stays open, and how it ended. */
export interface Open {
  /** What was heard since, as text. */
  heard(): string;
  /** What the end said, where it can say anything. */
  readonly ended: Promise<string>;
  close(): void;
}

/** Keeps something open at a hub that listens at `url`, with a key, and watches the lists and these resources over it. */
export type OpenLasting = (url: string, key: string, uris?: readonly string[]) => Promise<Open>;

const initialize = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};
const initialized = { method: 'notifications/initialized' };
const subscribe = (uri: string, index: number) => ({ id: 10 + index, method: 'resources/subscribe', params: { uri } });
const listen = (uris: readonly string[]) => ({
  id: 7,
  method: 'subscriptions/listen',
  params: {
    notifications: { toolsListChanged: true, resourcesListChanged: true, promptsListChanged: true, resourceSubscriptions: uris },
    _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} },
  },
});
const text = (message: object) => JSON.stringify({ jsonrpc: '2.0', ...message });
const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** Every way to keep something open. */
export const lasting: Readonly<Record<string, OpenLasting>> = {
  'the stream of a 2025 session': async (url, key, uris = []) => {
    const headers: Record<string, string> = { ...json, authorization: `Bearer ${key}` };
    const post = async (message: object) => {
      const response = await fetch(url, { method: 'POST', headers, body: text(message) });
      await response.text();
      return response;
    };
    headers['mcp-session-id'] = (await post(initialize)).headers.get('mcp-session-id') ?? '';
    headers['mcp-protocol-version'] = '2025-06-18';
    await post(initialized);
    const open = await follow((signal) => fetch(url, { headers: { ...headers, accept: 'text/event-stream' }, signal }));
    for (const [index, uri] of uris.entries()) await post(subscribe(uri, index));
    return open;
  },
  'subscriptions/listen of 2026-07-28': async (url, key, uris = []) => {
    const headers = { ...json, authorization: `Bearer ${key}`, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' };
    const open = await follow((signal) => fetch(url, { method: 'POST', signal, headers, body: text(listen(uris)) }));
    await until(open, 'subscriptions/acknowledged');
    return open;
  },
  'HTTP+SSE': async (url, key, uris = []) => {
    const headers = { ...json, authorization: `Bearer ${key}` };
    const open = await follow((signal) => fetch(url.replace('/mcp', '/sse'), { headers, signal }));
    await until(open, 'event: endpoint');
    const [path] = /\/sse\/messages\S+/.exec(open.heard()) ?? [''];
    const post = (message: object) => fetch(new URL(path, url), { method: 'POST', headers, body: text(message) });
    await post(initialize);
    await until(open, '"id":1');
    await post(initialized);
    for (const [index, uri] of uris.entries()) {
      await post(subscribe(uri, index));
      await until(open, `"id":${10 + index}`);
    }
    return open;
  },
  WebSocket: async (url, key, uris = []) => {
    const { open, send } = await webSocket(url, key);
    send(listen(uris));
    await until(open, 'subscriptions/acknowledged');
    return open;
  },
  'WebSocket of a 2025 client': async (url, key, uris = []) => {
    const { open, send } = await webSocket(url, key);
    send(initialize);
    await until(open, '"id":1');
    send(initialized);
    for (const [index, uri] of uris.entries()) {
      send(subscribe(uri, index));
      await until(open, `"id":${10 + index}`);
    }
    return open;
  },
};

async function follow(request: (signal: AbortSignal) => Promise<Response>): Promise<Open> {
  const leaving = new AbortController();
  const response = await request(leaving.signal);
  if (response.status !== 200 || response.body === null) throw new Error(`the stream was refused: ${response.status} ${await response.text()}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let heard = '';
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return heard;
      heard += value;
    }
  };
  const ended = read().catch((error) => `cut: ${error}`);
  return { heard: () => heard, ended, close: () => leaving.abort() };
}

async function webSocket(url: string, key: string) {
  const socket = new WebSocket(url.replace('http', 'ws'), ['mcp', `mcp.bearer.${Buffer.from(key).toString('base64url')}`]);
  let heard = '';
  socket.addEventListener('message', ({ data }) => {
    heard += `${data}\n`;
  });
  const ended = new Promise<string>((resolve) => socket.addEventListener('close', ({ code, reason }) => resolve(`${code} ${reason}`)));
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  const open: Open = { heard: () => heard, ended, close: () => socket.close() };
  return { open, send: (message: object) => socket.send(text(message)) };
}

/** Waits until something was heard. */
export async function until({ heard }: Pick<Open, 'heard'>, part: string): Promise<void> {
  const late = Date.now() + 10_000;
  while (!heard().includes(part)) {
    if (Date.now() > late) throw new Error(`${part} was not heard, but ${heard()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** An SDK client over WebSocket whose key is asked for with each socket. */
export async function webSocketClient(url: string, key: () => Promise<string>): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(connectWebSocket(url.replace('http', 'ws'), { key, firstDelayMs: 5 }));
  return client;
}
