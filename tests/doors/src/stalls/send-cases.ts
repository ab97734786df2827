import { connect } from 'node:net';
import type { Case } from './cases.ts';
import type { HubPlaces } from './hub-process.ts';

/** How often each answer came: the status over HTTP, of a WebSocket what followed its 101. */
export type Answers = Readonly<Record<string, number>>;

/** Connections at a time. */
const AT_ONCE = 8;
/** What ends a frame's connection (RFC 6455, section 5.5.1). */
const CLOSE_FRAME = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);

/** Sends each case on a connection of its own and waits until that has ended. */
export async function sendCases(cases: readonly Case[], places: HubPlaces): Promise<Answers> {
  const answers: Record<string, number> = {};
  let next = 0;
  const worker = async () => {
    for (let sent = cases[next++]; sent !== undefined; sent = cases[next++]) {
      const answer = await sendCase(sent, places);
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return answers;
}

function sendCase({ to, bytes }: Case, places: HubPlaces): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = to === 'socket' ? connect(places.socket) : connect(Number(new URL(places.url).port), '127.0.0.1');
    let heard = Buffer.alloc(0);
    let isLeaving = false;
    socket.once('connect', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      heard = Buffer.concat([heard, chunk]);
      if (isLeaving) return;
      const upgraded = heard.includes('HTTP/1.1 101');
      const end = heard.indexOf('\r\n\r\n') + 4;
      // Who was let in has been answered when a frame has come, or has nothing to wait for.
      if (upgraded && (heard.length > end || !bytes.includes('"'))) socket.end(CLOSE_FRAME);
      else if (upgraded && bytes.subarray(-4).equals(Buffer.from('\r\n\r\n'))) socket.end(CLOSE_FRAME);
      else if (to === 'socket' && heard.at(-1) === 0x0a) socket.end();
      else return;
      isLeaving = true;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A hub need not hear out what it has refused; but it has to be there.
      if (error.code === 'ECONNREFUSED') reject(error);
    });
    socket.once('close', () => resolve(nameOf(heard)));
  });
}

function nameOf(heard: Buffer): string {
  const text = heard.toString('latin1');
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
  const code = /"code":"?([-\w]+)/.exec(text)?.[1] ?? (text.includes('"result"') ? 'result' : '');
  if (status === undefined) return text === '' ? 'cut' : `line ${code}`;
  return status === '101' ? `frame ${code || (text.length > text.indexOf('\r\n\r\n') + 4 ? 'closed' : 'none')}` : status;
}
