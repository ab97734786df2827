import { type CallKind, type CallResult, type Hub, type InputRequired, InvalidInputError, MeshworkError, type TraceContext } from '@meshwork/core';
import type { PlainRequest } from '../http/plain-http.ts';
import { scopeChallenge, scopesLacked } from '../http/step-up.ts';
import type { EndpointRequest } from './endpoint.ts';

/** What a request asks the hub for. */
interface RestTarget {
  readonly kind: CallKind;
  readonly name: string;
  readonly arguments?: unknown;
}

/** One `hub.call` for one request, with what its headers say about it. @throws {MeshworkError} */
export type RestCall = (target: RestTarget, from: EndpointRequest) => Promise<Exclude<CallResult, InputRequired>>;

export interface RestCallOptions {
  readonly callTimeoutMs: number;
  /** Where OAuth clients read what this hub wants. */
  readonly metadataUrl: string | undefined;
}

export function createRestCall(hub: Hub, { callTimeoutMs, metadataUrl }: RestCallOptions): RestCall {
  return async ({ kind, name, arguments: args }, from) => {
    const { request, principal } = from;
    const idempotencyKey = idempotencyKeyOf(request);
    const trace = traceOf(request);
    const deadline = Date.now() + Math.min(callTimeoutMs, patienceOf(request));
    from.called = true;
    const lacked = scopesLacked(hub, principal, kind, name);
    if (lacked !== undefined) from.challenge = scopeChallenge(name, lacked, metadataUrl).headers;
    const result = await hub.call({
      kind,
      name,
      arguments: args,
      principal,
      face: 'rest',
      signal: request.gone,
      deadline,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      ...(trace !== undefined && { trace }),
    });
    if (result.kind !== 'input-required') return result;
    const { requests } = result;
    const message = `${name} asks a question first, and REST has no way to answer it; call it over MCP (Streamable HTTP, WebSocket, HTTP+SSE or stdio)`;
    throw new MeshworkError('INPUT_REQUIRED', message, { details: { requests } });
  };
}

/** The value of `Idempotency-Key`, plain or quoted (draft-ietf-httpapi-idempotency-key-header). One sent twice is refused. */
function idempotencyKeyOf(request: PlainRequest): string | undefined {
  const sent = request.header('idempotency-key');
  if (sent === null) return undefined;
  const key = /^"([^"\\]*)"$/.exec(sent)?.[1] ?? sent;
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw new InvalidInputError('the Idempotency-Key must be 1 to 255 visible characters without spaces, sent once');
  return key;
}

/** A traceparent that is not well-formed counts as none (https://www.w3.org/TR/trace-context/). */
function traceOf(request: PlainRequest): TraceContext | undefined {
  const traceparent = request.header('traceparent');
  if (traceparent === null || !/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(traceparent)) return undefined;
  const tracestate = request.header('tracestate');
  return { traceparent, ...(tracestate !== null && { tracestate }) };
}

/** Milliseconds the caller is willing to wait: `X-Timeout-Ms`, or `Prefer: wait=<seconds>` (RFC 7240). */
function patienceOf(request: PlainRequest): number {
  const timeout = request.header('x-timeout-ms');
  if (timeout !== null) {
    if (!/^\d{1,15}$/.test(timeout)) throw new InvalidInputError('X-Timeout-Ms must be a whole number of milliseconds');
    return Number(timeout);
  }
  const wait = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,12})"?\s*(?:[,;]|$)/i.exec(request.header('prefer') ?? '')?.[1];
  return wait === undefined ? Number.POSITIVE_INFINITY : Number(wait) * 1_000;
}
