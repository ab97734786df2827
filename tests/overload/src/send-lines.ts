import { createInterface } from 'node:readline';
import { randomStream } from './random-streams.ts';
import { callText } from './requests.ts';
import type { Sent } from './send-stream.ts';
import type { HubProcess } from './start-hub.ts';

/** Streams that are sent before the hub is asked whether it has read them. */
const AT_ONCE = 500;

/** Sends streams to the standard input of a hub, the end of each marked by the end of a line, and counts. */
export function createPiper({ child: { stdin, stdout } }: HubProcess, random: () => number) {
  if (stdin === null || stdout === null) throw new Error('the hub has no standard input and output');
  const sent: Sent = { streams: 0, encrypted: 0, answered: 0 };
  const lines = createInterface({ input: stdout });
  let asked = 0;
  let heard = (_line: string) => {};
  lines.on('line', (line) => {
    sent.answered++;
    heard(line);
  });
  /** All that was sent is read once a question behind it is answered. */
  const allRead = () => {
    const id = `last-${asked++}`;
    return new Promise<void>((resolve) => {
      heard = (line) => {
        if (!line.includes(id)) return;
        sent.answered--;
        resolve();
      };
      stdin.write(`\n${callText('echo', { text: 'still there' }, { id })}\n`);
    });
  };
  return {
    sent,
    async send(size: number): Promise<void> {
      for (let left = size; left > 0; ) {
        const portion = Math.min(left, AT_ONCE);
        for (let at = 0; at < portion; at++) stdin.write(Buffer.concat([randomStream('stdio', random), Buffer.from('\n')]));
        await allRead();
        sent.streams += portion;
        left -= portion;
      }
    },
  };
}
