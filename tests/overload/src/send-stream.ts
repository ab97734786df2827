import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Places } from './hub-messages.ts';
import { type Inlet, randomStream } from './random-streams.ts';

/** What became of streams that were sent. */
export interface Sent {
  /** Each had a connection of its own, which has ended. */
  streams: number;
  /** Of these, how many came after a handshake of TLS that went through. */
  encrypted: number;
  /** Those the hub said something to before it ended. */
  answered: number;
}

/** One stream in so many comes inside TLS; the others are bytes in the place of its handshake, which costs far less. */
const HANDSHAKES = 10;

/** Sends streams to one inlet of a hub, each on a connection of its own, and counts. A stream that cannot be sent at all is an error. */
export function createSender(places: Places, inlet: Exclude<Inlet, 'stdio'>, random: () => number) {
  const sent: Sent = { streams: 0, encrypted: 0, answered: 0 };
  const hello = inlet === 'tls' ? clientHello() : undefined;
  const port = Number(new URL(inlet === 'webSocket' ? places.webSocket : places.http).port);
  return {
    sent,
    send(): Promise<void> {
      const isInside = hello !== undefined && random() < 1 / HANDSHAKES;
      const bytes = isInside ? randomStream(inlet, random) : randomStream(inlet, random, hello);
      return new Promise((resolve, reject) => {
        const target = inlet === 'socket' ? { path: places.socket } : { port, host: '127.0.0.1' };
        const socket = isInside ? connectTls({ ...target, rejectUnauthorized: false }) : connect(target);
        let isOpen = false;
        socket.once(isInside ? 'secureConnect' : 'connect', () => {
          isOpen = true;
          socket.end(bytes);
        });
        socket.once('data', () => {
          sent.answered++;
        });
        // A hub may cut whom it does not understand, but it has to have let them in.
        socket.on('error', (error) => isOpen || reject(error));
        socket.on('close', () => {
          sent.streams++;
          if (isInside) sent.encrypted++;
          resolve();
        });
        socket.resume();
      });
    },
  };
}

/** The first thing a client of TLS says. */
function clientHello(): Buffer {
  const said: Buffer[] = [];
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      said.push(chunk);
      done();
    },
  });
  const socket = connectTls({ socket: wire, host: '127.0.0.1' });
  socket.on('error', () => {});
  const bytes = Buffer.concat(said);
  socket.destroy();
  if (bytes[0] !== 0x16) throw new Error('no handshake was begun');
  return bytes;
}
