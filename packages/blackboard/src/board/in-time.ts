import { UnavailableError } from '@meshwork/core';

export interface Waiting {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 5_000;

/** What comes of the work, or the error of `late` when that takes too long or the signal aborts. The work goes on, for nobody. */
export async function inTime<T>(
  work: Promise<T>,
  { signal, timeoutMs = TIMEOUT_MS }: Waiting,
  late: (why: string, cause: unknown) => Error = (why, cause) => new UnavailableError(why, { cause }),
): Promise<T> {
  work.catch(() => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  let abort: (() => void) | undefined;
  const end = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late(`it took longer than ${timeoutMs} ms; try again, or give it more time`, undefined)), timeoutMs);
    abort = () => reject(late('the caller gave up', signal?.reason));
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, end]);
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal?.removeEventListener('abort', abort);
  }
}
