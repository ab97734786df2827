import { callText, rawRequest, requestHeaders } from './requests.ts';

/** Where bytes can come in: the ports of a hub, its Unix socket and its standard input. `rest` is the port of `http`, spoken to otherwise. */
export type Inlet = 'http' | 'rest' | 'tls' | 'webSocket' | 'socket' | 'stdio';

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const call = callText('echo', { text: 'hello' });
const line = Buffer.from(`${call}\n`);
const post = Buffer.from(rawRequest('http://h/mcp', 'POST', requestHeaders('mallory-key', 'tools/call', 'echo'), call));
const upgrade = rawRequest('http://h/mcp', 'GET', {
  authorization: 'Bearer mallory-key',
  connection: 'upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
});

/** What a friend of each inlet would say; over TLS that is said once a handshake is done. */
const sensible: Readonly<Record<Inlet, Buffer>> = {
  http: post,
  rest: Buffer.from(
    rawRequest('http://h/mcp/tools/echo', 'POST', { authorization: 'Bearer mallory-key', 'content-type': 'application/json' }, '{"text":"hello"}'),
  ),
  tls: post,
  webSocket: Buffer.concat([Buffer.from(upgrade), textFrame(call)]),
  socket: line,
  stdio: line,
};

/** Bytes by chance: noise, something sensible with a few bytes changed or its end missing, or noise behind something sensible. */
export function randomStream(inlet: Inlet, random: () => number, friend = sensible[inlet]): Buffer {
  const noise = Buffer.allocUnsafe(1 + Math.floor(random() * 200));
  for (let at = 0; at < noise.length; at++) noise[at] = Math.floor(random() * 256);
  const friendly = Buffer.from(friend);
  const kind = random();
  if (kind < 0.4) return noise;
  if (kind < 0.6) return Buffer.concat([friendly, noise]);
  if (kind < 0.7) return friendly.subarray(0, Math.floor(random() * friendly.length));
  for (let flips = 1 + Math.floor(random() * 4); flips > 0; flips--) friendly[Math.floor(random() * friendly.length)] = Math.floor(random() * 256);
  return friendly;
}

/** A client's frame with a text of 126 to 65,535 bytes, under a mask of zeros (RFC 6455, section 5.2). */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.from([0x81, 0x80 | 126, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
