import { ClosedError, UnavailableError } from '@meshwork/core';
import type { Msg } from '@nats-io/transport-node';
import { type Link, NobodyError, SilentError } from './link.ts';

/** Of the time an operation has, what one attempt gets: a server that died may have taken the question with it. */
export const ATTEMPTS = 5;
const PAUSE_MS = 50;
const SERVICE_UNAVAILABLE = 503;

interface Refusal {
  readonly error?: { readonly code: number; readonly description?: string };
}

/**
 * Asks what does no harm when it is asked twice, until there is an answer or the time is over; a cluster that chooses a leader has none for a while.
 * What begins while there is no connection fails at once.
 *
 * @throws {UnavailableError} {@link ClosedError}
 */
export async function ask(link: Link, subject: string, payload: string): Promise<Msg> {
  link.check();
  const until = performance.now() + link.timeoutMs;
  for (;;) {
    let reason: unknown;
    try {
      const answer = await link.request(subject, payload, { timeoutMs: Math.ceil(link.timeoutMs / ATTEMPTS) });
      if (answer.headers !== undefined) return answer;
      const { error } = answer.json<Refusal>();
      if (error?.code !== SERVICE_UNAVAILABLE) return answer;
      reason = new Error(error.description ?? 'JetStream is not available');
    } catch (cause) {
      if (!(cause instanceof SilentError || cause instanceof NobodyError || cause instanceof UnavailableError)) throw cause;
      reason = cause;
    }
    const left = until - performance.now();
    if (link.closing.aborted) throw new ClosedError('the store is closed');
    if (left <= 0) throw toUnavailable(reason);
    await link.whenUp(left);
    await pause();
  }
}

/** Between two attempts. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

function toUnavailable(cause: unknown): UnavailableError {
  if (cause instanceof UnavailableError) return cause;
  const reason =
    cause instanceof NobodyError
      ? 'JetStream is off on this server, or the stream has no leader; start the server with --jetstream, or retry'
      : `${(cause as Error).message}; retry later`;
  return new UnavailableError(`NATS does not answer: ${reason}`, { cause });
}
