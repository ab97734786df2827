import { WebSocket } from 'ws';
import type { Places } from '../hub-messages.ts';
import { callText, initializeText, rawRequest, requestHeaders, requestText } from '../requests.ts';
import { type Attack, KEY, knock, many } from './attack.ts';

/** What is watched: its long name makes every update weigh something. */
export const WATCHED = `board://x/${'u'.repeat(1_000)}`;

const listen = requestText('subscriptions/listen', { notifications: { resourceSubscriptions: [WATCHED] } });
const old = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const subscribe = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'resources/subscribe', params: { uri: WATCHED } });

/** Sends a request on a connection of its own and hears the beginning of the answer; what follows is read or not. */
async function hearBeginning(places: Places, request: string, reads: boolean): Promise<void> {
  const socket = await knock(places, 'http');
  if (socket === undefined) return;
  socket.write(request);
  await new Promise((resolve) => socket.once('data', resolve).once('close', resolve));
  if (reads) socket.resume();
  else socket.pause();
}

type Pace = 'sips' | 'leaves';

/** Asks for one large answer on each connection, and takes it a few bytes at a time or not at all. */
const ask = (request: (places: Places) => string, pace: Pace): Attack => {
  return (places, size) =>
    many(size, async () => {
      const socket = await knock(places, 'http');
      if (socket === undefined) return;
      socket.write(request(places));
      socket.pause();
      if (pace === 'leaves') return;
      const sipping = setInterval(() => socket.read(100), 200);
      socket.once('close', () => clearInterval(sipping));
    });
};

/** Listeners of every kind. Those that read are what the others are held against: the same events, brought to as many. */
const listeners = (reads: boolean): Readonly<Record<string, Attack>> => ({
  'a listener over HTTP': (places, size) =>
    many(size, () => hearBeginning(places, rawRequest(places.http, 'POST', requestHeaders(KEY, 'subscriptions/listen'), listen), reads)),
  'the stream of a 2025 session': (places, size) =>
    many(size, async () => {
      const response = await fetch(places.http, { method: 'POST', headers: old, body: initializeText });
      await response.text();
      const session = { ...old, 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' };
      const opened = hearBeginning(places, rawRequest(places.http, 'GET', session), reads);
      await (await fetch(places.http, { method: 'POST', headers: session, body: subscribe })).text();
      await opened;
    }),
  'an HTTP+SSE stream': (places, size) =>
    many(size, async () => {
      const socket = await knock(places, 'http');
      if (socket === undefined) return;
      socket.write(rawRequest(new URL('/sse', places.http).href, 'GET', { authorization: old.authorization }));
      let heard = '';
      while (!heard.includes('\n\n')) {
        const chunk: Buffer | undefined = await new Promise((resolve) => socket.once('data', resolve).once('close', () => resolve(undefined)));
        if (chunk === undefined) return;
        heard += chunk;
      }
      if (reads) socket.resume();
      else socket.pause();
      const endpoint = /data: (\S+)/.exec(heard)?.[1] ?? '';
      for (const body of [initializeText, subscribe]) await (await fetch(new URL(endpoint, places.http), { method: 'POST', headers: old, body })).text();
    }),
  'a WebSocket': (places, size) =>
    many(size, async () => {
      const socket = new WebSocket(places.webSocket, { headers: { authorization: `Bearer ${KEY}` } });
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('open', resolve).once('close', resolve));
      socket.send(listen);
      await new Promise((resolve) => socket.once('message', resolve).once('close', resolve));
      if (!reads) socket.pause();
    }),
  'a Unix socket': (places, size) =>
    many(size, async () => {
      const socket = await knock(places, 'socket');
      socket?.write(`${listen}\n`);
      await new Promise((resolve) => socket?.once('data', resolve).once('close', resolve));
      if (reads) socket?.resume();
      else socket?.pause();
    }),
});

const named = (attacks: Readonly<Record<string, Attack>>, does: string) =>
  Object.fromEntries(Object.entries(attacks).map(([name, attack]) => [`${name} that ${does}`, attack]));

export const stoppedReaders = named(listeners(false), 'stops reading');
export const honestReaders = named(listeners(true), 'reads');

const askers = (pace: Pace): Readonly<Record<string, Attack>> => ({
  'a large answer over REST': ask(({ http }) => rawRequest(`${http}/tools`, 'GET', { authorization: old.authorization }), pace),
  'the OpenAPI document': ask(({ http }) => rawRequest(new URL('/openapi.json', http).href, 'GET', { authorization: old.authorization }), pace),
  'a large answer over MCP': ask(
    ({ http }) => rawRequest(http, 'POST', requestHeaders(KEY, 'tools/call', 'big'), callText('big', { bytes: 12_000_000 })),
    pace,
  ),
});

/** Those who ask for much and take it slowly or not at all. */
export const sippers = named(askers('sips'), 'is sipped');
export const leavers = named(askers('leaves'), 'is left');
