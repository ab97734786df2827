import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { WebSocket } from 'ws';
import type { Places } from '../hub-messages.ts';
import { callText, rawRequest, requestHeaders } from '../requests.ts';
import { type Attack, KEY, knock } from './attack.ts';

const CAP = 2 ** 20;

/** A call of `echo` that is so many bytes long. */
function echoOf(bytes: number): string {
  const empty = callText('echo', { text: '' });
  return callText('echo', { text: 'x'.repeat(bytes - empty.length) });
}

const withArguments = (json: string) => callText('echo', { text: 'HERE' }).replace('{"text":"HERE"}', json);
const keys = Array.from({ length: 100_000 }, (_, at) => `"${at.toString(36)}":0`).join(',');

/** Nearly as many bytes as may be, of what programs send one another. */
const records = Array.from({ length: 18_000 }, (_, id) => ({ id, name: `n${id}`, open: true, sum: id / 4 }));

const texts = {
  honest: echoOf(1_000),
  honestBig: callText('take', { records }),
  underCap: echoOf(CAP),
  overCap: echoOf(CAP + 1),
  nested: withArguments(`${'['.repeat(CAP / 2 - 1_000)}${']'.repeat(CAP / 2 - 1_000)}`),
  keys: withArguments(`{${keys}}`),
  sameKey: withArguments(`{${`"k":0,`.repeat(150_000)}"k":1}`),
  numbers: withArguments(`{"text":[${`${'9'.repeat(100_000)},`.repeat(9)}1e999999999]}`),
} as const;

const headers = requestHeaders(KEY, 'tools/call', 'echo');

/** Sends the same request over and over on each of its connections, each time as soon as the last was answered or cut. */
const floodHttp = (bytes: string | Buffer): Attack => {
  const flood = async (places: Places): Promise<void> => {
    for (;;) {
      const socket = await knock(places, 'http');
      if (socket === undefined) continue;
      socket.write(bytes);
      // One answer, one more request: an answer that comes in pieces has its head in the first.
      socket.on('data', (chunk) => {
        if (chunk.subarray(0, 5).toString('latin1') === 'HTTP/' && socket.writable) socket.write(bytes);
      });
      await new Promise((resolve) => socket.once('close', resolve));
    }
  };
  return async (places, size) => {
    for (let at = 0; at < size; at++) void flood(places);
  };
};

const floodWebSocket = (text: string): Attack => {
  const flood = async (places: Places): Promise<void> => {
    for (;;) {
      const socket = new WebSocket(places.webSocket, { headers: { authorization: `Bearer ${KEY}` }, perMessageDeflate: true });
      socket.on('open', () => socket.send(text));
      socket.on('message', () => socket.send(text));
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('close', resolve));
    }
  };
  return async (places, size) => {
    for (let at = 0; at < size; at++) void flood(places);
  };
};

const floodSocket = (text: string): Attack => {
  const flood = async (places: Places): Promise<void> => {
    for (;;) {
      const socket = await knock(places, 'socket');
      if (socket === undefined) continue;
      socket.write(`${text}\n`);
      socket.on('data', (chunk) => {
        if (chunk.at(-1) === 0x0a && socket.writable) socket.write(`${text}\n`);
      });
      await new Promise((resolve) => socket.once('close', resolve));
    }
  };
  return async (places, size) => {
    for (let at = 0; at < size; at++) void flood(places);
  };
};

const post = (body: string, more: Record<string, string> = {}) => rawRequest('http://h/mcp', 'POST', { ...headers, ...more }, body);
const zipped = gzipSync(Buffer.concat([Buffer.alloc(200 * CAP, 0x20), randomBytes(300_000)]));

/** As much work as connections can make. `honest` and `honest big` are nothing but calls: what anybody's share of a busy hub is. */
export const floods: Readonly<Record<string, Attack>> = {
  'honest calls over HTTP': floodHttp(post(texts.honest)),
  'honest big calls over HTTP': floodHttp(rawRequest('http://h/mcp', 'POST', requestHeaders(KEY, 'tools/call', 'take'), texts.honestBig)),
  'bodies just under the cap': floodHttp(post(texts.underCap)),
  'bodies just over the cap': floodHttp(post(texts.overCap)),
  'bodies that claim to be gzip': floodHttp(
    Buffer.concat([
      Buffer.from(rawRequest('http://h/mcp', 'POST', { ...headers, 'content-encoding': 'gzip', 'content-length': String(zipped.length) })),
      zipped,
    ]),
  ),
  'deep nesting': floodHttp(post(texts.nested)),
  '100,000 keys': floodHttp(post(texts.keys)),
  '150,000 times one key': floodHttp(post(texts.sameKey)),
  'huge numbers': floodHttp(post(texts.numbers)),
  'frames just under the cap': floodWebSocket(texts.underCap),
  'frames just over the cap': floodWebSocket(texts.overCap),
  'frames with 100,000 keys': floodWebSocket(texts.keys),
  'lines just under the cap': floodSocket(texts.underCap),
  'lines just over the cap': floodSocket(texts.overCap),
  'lines with 150,000 times one key': floodSocket(texts.sameKey),
};
