import { MeshworkError } from '@meshwork/core';

/** Milliseconds that pass, or fewer: it ends early, and never throws, when the signal aborts. Somebody waits for what comes after, so it keeps the process running. */
export function waitUntil(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

/** What comes of the work, unless `signal` aborts first: then the error that `late` makes. The work itself goes on, for nobody. */
export function orAbort<T>(work: Promise<T>, signal: AbortSignal, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(late());
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Failures after which the same may work a little later, or has been done by somebody else. */
export const passing: readonly string[] = ['UNAVAILABLE', 'UNKNOWN_OUTCOME', 'CONFLICT'];

/**
 * Works again and again until there is a result. For work that may be done twice.
 * @throws what `late` makes of the last failure, when `signal` aborts before.
 */
export async function patientlyUntil<T>(
  signal: AbortSignal,
  pauseMs: number,
  work: () => Promise<T | undefined>,
  late: (failure: unknown) => Error,
): Promise<T> {
  let failure: unknown;
  for (;;) {
    try {
      const result = await orAbort(work(), signal, () => late(failure));
      if (result !== undefined) return result;
    } catch (error) {
      if (signal.aborted || !MeshworkError.isInstance(error) || !passing.includes(error.code)) throw error;
      failure = error;
    }
    await waitUntil(pauseMs, signal);
    if (signal.aborted) throw late(failure);
  }
}
