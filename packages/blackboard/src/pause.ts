/** Milliseconds that pass, or fewer: it ends early, and never throws, when the signal aborts. It keeps no process running. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    // Timers of browsers are numbers, and keep nothing running.
    (timer as { unref?: () => void }).unref?.();
    signal.addEventListener('abort', end);
  });
}
