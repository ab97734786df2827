import { text } from 'node:stream/consumers';

/** The world around a command, so that tests need no process. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder relative paths start from. */
  readonly cwd: string;
  /** Calls back when the user or the system asks the program to stop; returns the way to stop listening. */
  onStop(listener: () => void): () => void;
  /** True when somebody can read what is written to `err` while the command runs. */
  readonly isTerminal?: boolean;
  /** All of standard input, as text. */
  readInput?(): Promise<string>;
}

/** The process itself. */
export const processIo: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  env: process.env,
  cwd: process.cwd(),
  isTerminal: process.stderr.isTTY === true,
  readInput: () => text(process.stdin),
  onStop(listener) {
    process.on('SIGINT', listener);
    process.on('SIGTERM', listener);
    return () => {
      process.off('SIGINT', listener);
      process.off('SIGTERM', listener);
    };
  },
};
