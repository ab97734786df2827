import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { destination as openStream } from 'pino';

/** Something with `write`: a Node stream, or a test's list of lines. */
export interface LogSink {
  write(line: string): unknown;
}

/** Where lines go: `stdout`, `stderr`, the path of a file, or a stream, which stays its owner's to end. */
export type LogTarget = 'stdout' | 'stderr' | (string & {}) | LogSink;

export interface LogDestination extends LogSink {
  flush(): void;
  close(): Promise<void>;
}

/** Lines wait in memory while the other side is slow, up to so many bytes; then the newest are dropped. The hub never waits for its log. */
const MAX_WAITING_BYTES = 8 * 1_048_576;

/**
 * Opens a destination. A file is appended to, and readable by its owner only; folders on the way are made.
 *
 * @throws {Error} of the system, when the file cannot be opened.
 */
export function openDestination(target: LogTarget, onError: (error: unknown) => void): LogDestination {
  if (typeof target !== 'string') return { write: (line) => target.write(line), flush() {}, close: async () => {} };
  const stream = openStream({ fd: descriptorOf(target), sync: false, maxLength: MAX_WAITING_BYTES });
  const ended = new Promise<void>((resolve) => {
    stream.once('close', resolve);
    stream.once('error', () => resolve());
  });
  // A full disk must not end the hub: without a listener, an `error` event would.
  stream.on('error', onError);
  return {
    write: (line) => stream.write(line),
    flush: () => stream.flushSync(),
    close() {
      stream.end();
      return ended;
    },
  };
}

function descriptorOf(target: string): number {
  if (target === 'stdout') return 1;
  if (target === 'stderr') return 2;
  mkdirSync(dirname(target), { recursive: true });
  return openSync(target, 'a', 0o600);
}
