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
  /** Cuts the connection of an answer whose reader takes nothing of what waits. */
  cutWhenStalled(outgoing: ServerResponse): void;
}

export function createSlowAnswers({ stallMs, maxWaitingBytes }: SlowAnswersOptions): SlowAnswers {
  const waiting = new Map<ServerResponse, number>();
  let total = 0;

  const forget = (outgoing: ServerResponse) => {
    total -= waiting.get(outgoing) ?? 0;
    waiting.delete(outgoing);
  };
  const cutWhenStalled = (outgoing: ServerResponse) => {
    // The socket's own timer knows when some of a large write was taken; nobody else does.
    outgoing.setTimeout(stallMs, () => {
      if (outgoing.writableLength > 0) outgoing.destroy();
    });
  };
  return {
    cutWhenStalled,
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
