/** Does some work again and again, never two at once. */
export interface Upkeep {
  /** Does it now, behind what is under way. */
  run(): Promise<void>;
  /** Does no more, and waits for what is under way, but so many milliseconds at most. */
  stop(withinMs: number): Promise<void>;
}

/** `everyMs`: milliseconds from the end of one run to the next; absent: only when asked. Failures go to `onError`, and end nothing. */
export function createUpkeep(
  work: (signal: AbortSignal) => Promise<void>,
  { everyMs, onError }: { readonly everyMs?: number | undefined; readonly onError: (error: unknown) => void },
): Upkeep {
  // Made with the first run: a Worker makes none before its first request.
  let stopping: AbortController | undefined;
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> = Promise.resolve();
  const run = () => {
    stopping ??= new AbortController();
    const { signal } = stopping;
    running = running
      .then(() => (stopped ? undefined : work(signal)))
      .catch((error: unknown) => {
        if (!stopped) onError(error);
      });
    return running;
  };
  const plan = () => {
    if (everyMs === undefined || stopped) return;
    timer = setTimeout(() => void run().then(plan), everyMs);
    timer.unref();
  };
  plan();
  return {
    run,
    async stop(withinMs) {
      stopped = true;
      stopping?.abort();
      clearTimeout(timer);
      let waiting: ReturnType<typeof setTimeout> | undefined;
      const over = new Promise<void>((resolve) => {
        waiting = setTimeout(resolve, withinMs);
      });
      await Promise.race([running, over]);
      clearTimeout(waiting);
    },
  };
}
