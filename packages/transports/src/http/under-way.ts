/** What has begun and not ended yet. */
export interface UnderWay {
  /** Returns the way to say that it has ended; saying so twice does no harm. */
  begin(): () => void;
  /** Resolves when nothing is under way, or `withinMs` have passed. */
  idle(withinMs: number): Promise<void>;
}

export function createUnderWay(): UnderWay {
  let open = 0;
  let whenIdle: (() => void) | undefined;
  return {
    begin() {
      let ended = false;
      open += 1;
      return () => {
        if (ended) return;
        ended = true;
        open -= 1;
        if (open === 0) whenIdle?.();
      };
    },
    async idle(withinMs) {
      if (open === 0) return;
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, withinMs);
        whenIdle = () => {
          clearTimeout(late);
          resolve();
        };
      });
    },
  };
}
