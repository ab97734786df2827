import type { Transport } from '@modelcontextprotocol/server';

/** A transport as `serveTransport` likes it best: its reading can be stopped, and it takes JSON that is text already. */
export interface Wire extends Transport {
  sendText?(text: string): void;
  pause?(): void;
  resume?(): void;
  /** True while much of what was sent waits for the other end to read it. */
  readonly behind?: boolean;
  /** Resolves when it no longer does, or the other end is gone. */
  caughtUp?(): Promise<void>;
}
