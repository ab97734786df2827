/** Does some work again and again, never two at once. */
export interface Upkeep<T> {
  /** Begins to do it by itself, now for the first time. */
  start(): void;
  /** Does it now, behind what is under way. */
  run(): Promise<T>;
  /** Does no more, and waits for what is under way. */
  stop(): Promise<void>;
}

/** `everyMs`: milliseconds from the end of one run to the next. Failures of runs it began by itself go to `onError`, and end nothing. */
export function createUpkeep<T>(work: () => Promise<T>, { everyMs, onError }: { everyMs: number; onError: (error: unknown) => void }): Upkeep<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let isStarted = false;
  let isStopped = false;
  const run = () => {
    const turn = running.then(work, work);
    running = turn.catch(() => {});
    return turn;
  };
  const again = () => void run().catch(onError).then(plan);
  const plan = () => {
    if (isStopped) return;
    timer = setTimeout(again, everyMs);
    // In Node a timer keeps the process alive; where there is no such thing, it is a number.
    (timer as { unref?: () => void }).unref?.();
  };
  return {
    start() {
      if (isStarted) return;
      isStarted = true;
      again();
    },
    run,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
