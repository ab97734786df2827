import { UnavailableError } from '@meshwork/core';

export interface AskOptions {
  readonly timeoutMs: number;
  /** Any of them ends it. */
  readonly signals: readonly AbortSignal[];
}

/**
 * Runs a request with a signal of its own, that aborts when the time is over or one of the others does, and leaves nothing behind at those: they live as long as the hub.
 */
export async function askInTime<T>({ timeoutMs, signals }: AskOptions, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const end = () => ending.abort(signals.find(({ aborted }) => aborted)?.reason);
  const timer = setTimeout(() => ending.abort(new UnavailableError(`there was no answer within ${timeoutMs} ms`)), timeoutMs);
  for (const signal of signals) {
    if (signal.aborted) end();
    else signal.addEventListener('abort', end);
  }
  try {
    return await request(ending.signal);
  } finally {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener('abort', end);
  }
}
