import { UnavailableError } from '@meshwork/core';
import { withEither } from '../with-either.ts';

export interface AskOptions {
  readonly timeoutMs: number;
  /** Any of them ends it. */
  readonly signals: readonly AbortSignal[];
}

/** Runs a request with a signal of its own, that aborts when the time is over or one of the others does. */
export async function askInTime<T>({ timeoutMs, signals }: AskOptions, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new UnavailableError(`there was no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await withEither([...signals, late.signal], request);
  } finally {
    clearTimeout(timer);
  }
}
