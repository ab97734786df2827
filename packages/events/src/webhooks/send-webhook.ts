import { type Clock, MeshworkError } from '@meshwork/core';
import type { Delivery } from '../deliverer.ts';
import { signWebhook } from './sign-webhook.ts';

/** What sends a request: `fetch`, or better one that cannot be turned against the network the hub stands in. */
export type WebhookFetch = (
  url: string,
  request: { method: string; headers: Readonly<Record<string, string>>; body: string; signal: AbortSignal; redirect: 'manual' },
) => Promise<Response>;

/** Where a request goes, and what it is signed with: one signature a secret. */
export interface WebhookAddress {
  readonly url: string;
  readonly secrets: readonly string[];
}

/** What came of one request. */
export type SendOutcome =
  | { readonly kind: 'delivered' }
  /** `retryAfterMs`: what the receiver asked for. */
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs?: number }
  /** 410: the receiver wants no more. */
  | { readonly kind: 'gone' };

export interface SendOptions {
  readonly fetch: WebhookFetch;
  readonly clock: Clock;
  /** Milliseconds a receiver has to answer. */
  readonly timeoutMs: number;
  /** Gives the request up. */
  readonly signal: AbortSignal;
}

/**
 * Sends one event to one receiver: a CloudEvent in structured mode, signed. The id stays the same however often it is sent, so that a
 * receiver can tell what it has had. Any answer but 2xx is a failure, redirects too; nothing of what it says is read.
 */
export async function sendWebhook(
  id: string,
  { event }: Delivery,
  { url, secrets }: WebhookAddress,
  { fetch, clock, timeoutMs, ...options }: SendOptions,
): Promise<SendOutcome> {
  const body = JSON.stringify(event);
  const now = clock.now();
  const headers = {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'user-agent': 'meshwork',
    ...(await signWebhook({ id, timeMs: now, body }, secrets)),
  };
  try {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)]);
    const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' });
    response.body?.cancel().catch(() => {});
    if (response.status === 410) return { kind: 'gone' };
    if (response.status >= 200 && response.status < 300) return { kind: 'delivered' };
    const retryAfterMs = waitAskedFor(response.headers.get('retry-after'), now);
    return { kind: 'failed', reason: `answered ${response.status}`, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  } catch (error) {
    // What a stranger's server made of the connection stays out of records; our own errors are safe to show.
    return { kind: 'failed', reason: MeshworkError.isInstance(error) ? error.message : 'could not be reached, or did not answer in time' };
  }
}

const LONGEST_WAIT_MS = 86_400_000;

/** The milliseconds of a `Retry-After` (RFC 9110 section 10.2.3), at most a day. */
function waitAskedFor(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_WAIT_MS);
}
