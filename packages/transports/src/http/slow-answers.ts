import type { ServerResponse } from 'node:http';

export interface SlowAnswersOptions {
  /** Milliseconds after which a reader that takes nothing is cut. */
  readonly stallMs: number;
  /** Bytes that may wait for all readers together; beyond, whoever has been read for longest is cut. */
  readonly maxWaitingBytes: number;
}

/** Answers that their readers have not taken yet: what they may cost a hub in memory, and for how long. */
export interface SlowAnswers {
  /** To be called when something was written, of each answer that is not a stream of events; those are bounded by themselves. */
  watch(outgoing: ServerResponse): void;
  /** To be called with an answer that is a stream of events: cuts its connection when its reader takes nothing of what waits. */
  watchStream(outgoing: ServerResponse): void;
  /** Whether some answers are written to their end and wait for their readers. */
  readonly some: boolean;
  /** Resolves when all that has begun to be written is, or `withinMs` have passed. */
  written(withinMs: number): Promise<void>;
}

export function createSlowAnswers({ stallMs, maxWaitingBytes }: SlowAnswersOptions): SlowAnswers {
  const waiting = new Map<ServerResponse, number>();
  const streams = new Set<ServerResponse>();
  let total = 0;
  let whenWritten = () => {};

  const forget = (outgoing: ServerResponse) => {
    total -= waiting.get(outgoing) ?? 0;
    waiting.delete(outgoing);
    streams.delete(outgoing);
    if (waiting.size + streams.size === 0) whenWritten();
  };
  const cutWhenStalled = (outgoing: ServerResponse) => {
    // The socket's own timer knows when some of a large write was taken; nobody else does.
    outgoing.setTimeout(stallMs, () => {
      if (outgoing.writableLength > 0) outgoing.destroy();
    });
  };
  return {
    get some() {
      return waiting.size > 0 || [...streams].some(({ writableEnded }) => writableEnded);
    },
    watchStream(outgoing) {
      cutWhenStalled(outgoing);
      streams.add(outgoing);
      outgoing.once('close', () => forget(outgoing));
    },
    async written(withinMs) {
      if (waiting.size + streams.size === 0) return;
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, withinMs);
        whenWritten = () => {
          clearTimeout(late);
          resolve();
        };
      });
    },
    watch(outgoing) {
      const bytes = outgoing.writableLength;
      // Nearly all answers are with the system at once.
      if (bytes === 0) return;
      waiting.set(outgoing, bytes);
      total += bytes;
      outgoing.once('close', () => forget(outgoing));
      cutWhenStalled(outgoing);
      for (const [longest] of waiting) {
        if (total <= maxWaitingBytes || longest === outgoing) break;
        forget(longest);
        longest.destroy();
      }
    },
  };
}
