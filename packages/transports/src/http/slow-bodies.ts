import type { IncomingMessage } from 'node:http';

/** Bodies that have begun to come and are not complete: what they may cost a hub in memory. */
export interface SlowBodies {
  /** To be told of each part that is kept. When all together are too much, whoever sends for longest is cut. */
  arrived(incoming: IncomingMessage, bytes: number): void;
}

export function createSlowBodies({ maxBytes }: { readonly maxBytes: number }): SlowBodies {
  const coming = new Map<IncomingMessage, number>();
  let total = 0;
  const forget = (incoming: IncomingMessage) => {
    total -= coming.get(incoming) ?? 0;
    coming.delete(incoming);
  };
  return {
    arrived(incoming, bytes) {
      // Nearly all bodies are complete when the first of them is looked at.
      if (incoming.complete) return;
      const known = coming.get(incoming);
      if (known === undefined) incoming.once('end', () => forget(incoming)).once('close', () => forget(incoming));
      coming.set(incoming, (known ?? 0) + bytes);
      total += bytes;
      for (const [longest] of coming) {
        if (total <= maxBytes || longest === incoming) break;
        forget(longest);
        longest.destroy();
      }
    },
  };
}
