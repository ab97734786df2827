import { WebSocket } from 'ws';
import type { Places } from '../hub-messages.ts';
import { initializeText, rawRequest, requestHeaders, requestText } from '../requests.ts';
import { type Attack, KEY, knock, many } from './attack.ts';

const listenTo = (notifications: object, id: number | string = 1) => requestText('subscriptions/listen', { notifications }, { id });

/** Sends a request on a connection of its own and keeps what comes open, reading all of it. */
const keepOpen = (url: (places: Places) => string, method: string, headers: Record<string, string>, body = ''): Attack => {
  return (places, size) =>
    many(size, async () => {
      const socket = await knock(places, 'http');
      if (socket === undefined) return;
      socket.write(rawRequest(url(places), method, headers, body));
      await new Promise((resolve) => socket.once('data', resolve).once('close', resolve));
      socket.resume();
    });
};

const listenOverHttp = (notifications: object) => keepOpen(({ http }) => http, 'POST', requestHeaders(KEY, 'subscriptions/listen'), listenTo(notifications));

/** A tenth of the connections, with more wishes on each than one may have. */
const overWebSocket = (messages: readonly string[]): Attack => {
  return (places, size) =>
    many(Math.ceil(size / 10), async () => {
      const socket = new WebSocket(places.webSocket, { headers: { authorization: `Bearer ${KEY}` } });
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('open', resolve).once('close', resolve));
      if (socket.readyState !== WebSocket.OPEN) return;
      for (const message of messages) socket.send(message);
      await new Promise((resolve) => socket.once('message', resolve).once('close', resolve));
    });
};

const old = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const subscribe = (id: number, uri: string) => JSON.stringify({ jsonrpc: '2.0', id, method: 'resources/subscribe', params: { uri } });
const longUri = (at: number) => `board://x/${at}/${'u'.repeat(5_000)}`;

/** Wishes to hear of changes, more than anybody has. */
export const subscriptions: Readonly<Record<string, Attack>> = {
  'listens over HTTP': listenOverHttp({ resourceSubscriptions: ['board://x'] }),
  'listens over HTTP to many resources': listenOverHttp({ resourceSubscriptions: Array.from({ length: 5_000 }, (_, at) => `board://y/${at}`) }),
  'listens over HTTP to unknown tasks': listenOverHttp({ taskIds: Array.from({ length: 5_000 }, (_, at) => `op_${at}`) }),
  'listens over WebSocket': overWebSocket(Array.from({ length: 1_200 }, (_, at) => listenTo({ resourceSubscriptions: [`board://x/${at}`] }, at))),
  'subscriptions of a 2025 revision over WebSocket': overWebSocket([
    initializeText,
    ...Array.from({ length: 1_200 }, (_, at) => subscribe(at + 2, longUri(at))),
  ]),
  'HTTP+SSE streams': keepOpen(({ http }) => new URL('/sse', http).href, 'GET', { authorization: `Bearer ${KEY}`, accept: 'text/event-stream' }),
  'sessions of a 2025 revision': keepOpen(({ http }) => http, 'POST', old, initializeText),
  async 'subscriptions of a 2025 revision over HTTP'(places, size) {
    const { headers } = await fetch(places.http, { method: 'POST', headers: old, body: initializeText });
    const session = { ...old, 'mcp-session-id': headers.get('mcp-session-id') ?? '' };
    await many(size, async (at) => {
      await (await fetch(places.http, { method: 'POST', headers: session, body: subscribe(at + 2, longUri(at)) })).text();
    });
  },
};
