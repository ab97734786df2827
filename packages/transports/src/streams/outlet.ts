import type { Writable } from 'node:stream';

export interface OutletOptions {
  readonly writable: Writable;
  /** Bytes that may wait for the reader. Something larger passes when nothing else waits. */
  readonly maxQueuedBytes: number;
  /** Milliseconds after which a reader that takes nothing counts as gone. */
  readonly stallMs: number;
  /** Called once, when the reader has fallen too far behind. */
  readonly onCut: (reason: string) => void;
}

/** Watches what waits for a reader, so that one who does not read costs no more than a bounded amount of memory. */
export interface Outlet {
  /** To be asked before each write. False when the reader was cut. */
  admits(): boolean;
  /** True while more waits than the stream likes to keep. */
  readonly behind: boolean;
  /** Resolves when the reader has caught up, or is gone. To be called after a write. */
  caughtUp(): Promise<void>;
}

export function createOutlet({ writable, maxQueuedBytes, stallMs, onCut }: OutletOptions): Outlet {
  let cut = false;
  let waiting: Promise<void> | undefined;

  const cutOff = (reason: string) => {
    if (cut) return;
    cut = true;
    onCut(reason);
  };
  const wait = () =>
    new Promise<void>((resolve) => {
      let taken = bytesTaken(writable);
      const watch = setInterval(() => {
        const now = bytesTaken(writable);
        if (now <= taken) cutOff(`nothing was read for ${stallMs} ms`);
        taken = now;
      }, stallMs);
      watch.unref();
      const done = () => {
        clearInterval(watch);
        writable.off('drain', done).off('close', done);
        waiting = undefined;
        resolve();
      };
      writable.once('drain', done).once('close', done);
    });

  return {
    admits() {
      if (!cut && writable.writableLength > maxQueuedBytes) cutOff(`more than ${maxQueuedBytes} bytes wait to be read`);
      return !cut;
    },
    get behind() {
      return isBehind(writable);
    },
    caughtUp() {
      if (!isBehind(writable)) return DONE;
      waiting ??= wait();
      return waiting;
    },
  };
}

const DONE = Promise.resolve();

function isBehind(writable: Writable): boolean {
  return writable.writableNeedDrain && !writable.destroyed;
}

/** What the reader has taken of all that was written. Other streams than sockets keep no count: less that waits is progress there. */
function bytesTaken(writable: Writable & { readonly bytesWritten?: number }): number {
  return (writable.bytesWritten ?? 0) - writable.writableLength;
}
