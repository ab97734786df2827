import { connect } from 'node:net';
import type { Door } from './attacks/attack.ts';
import type { Places } from './hub-messages.ts';
import { callText, rawRequest, requestHeaders } from './requests.ts';

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
const upgrade = rawRequest('http://h/mcp', 'GET', {
  authorization: 'Bearer mallory-key',
  connection: 'upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
});

/** What a friend of each door would say. */
const sensible: Readonly<Record<Door, Buffer>> = {
  http: Buffer.from(rawRequest('http://h/mcp', 'POST', requestHeaders('mallory-key', 'tools/call', 'echo'), call)),
  webSocket: Buffer.from(upgrade),
  socket: Buffer.from(`${call}\n`),
};

/** Bytes by chance: noise, something sensible with a few bytes changed or its end missing, or noise behind something sensible. */
export function randomStream(door: Door, random: () => number): Buffer {
  const noise = Buffer.from(Uint8Array.from({ length: 1 + Math.floor(random() * 200) }, () => Math.floor(random() * 256)));
  const friendly = Buffer.from(sensible[door]);
  const kind = random();
  if (kind < 0.4) return noise;
  if (kind < 0.6) return Buffer.concat([friendly, noise]);
  if (kind < 0.7) return friendly.subarray(0, Math.floor(random() * friendly.length));
  for (let flips = 1 + Math.floor(random() * 4); flips > 0; flips--) friendly[Math.floor(random() * friendly.length)] = Math.floor(random() * 256);
  return friendly;
}

/** Sends one stream on a connection of its own and waits until that has ended. */
export function sendStream(places: Places, door: Door, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = door === 'socket' ? connect(places.socket) : connect(Number(new URL(places[door]).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume().end(bytes);
  });
}
