import { hash } from 'node:crypto';
import { type Call, type CallResult, type JsonObject, type JsonValue, MeshworkError, type Target } from '@meshwork/core';
import { redact } from './redact.ts';

/** How a call ended. */
export type Outcome = 'ok' | 'failed' | 'denied' | 'invalid' | 'unknown-name' | 'input-required' | 'cancelled';

/** One call, as it is kept. No argument, token or key is in it. */
export interface AuditRecord {
  readonly v: 1;
  /** ISO 8601, when the hub took the call. */
  readonly time: string;
  readonly call_id: string;
  readonly principal: {
    readonly id: string;
    readonly kind: string;
    readonly zone: string;
    readonly trust: number;
    readonly method: string;
    readonly address?: string;
  };
  readonly face: string;
  readonly kind: string;
  readonly name: string;
  /** SHA-256 of the arguments in canonical JSON, secrets replaced; `unreadable` when they were no JSON (a cycle, a bigint, too deep). */
  readonly arguments_digest: string;
  readonly decisions: readonly { readonly by: string; readonly effect: string; readonly policies: readonly string[]; readonly reason?: string }[];
  readonly outcome: Outcome;
  readonly code?: string;
  readonly duration_ms: number;
  readonly trace_id?: string;
  /** SHA-256 of the caller's idempotency key: equal for the repetitions of one call. */
  readonly idempotency_key_digest?: string;
}

const MAX_NAME = 256;

/** A result, or what was thrown: `error` is present even when `undefined` was thrown. */
export type Ended = { readonly result: CallResult } | { readonly error: unknown };

/** Pure: what is kept of a call and how it ended. */
export function recordOf(
  call: Call,
  ended: Ended & { readonly target: Target | undefined },
  { durationMs, argumentsDigest }: { readonly durationMs: number; readonly argumentsDigest: string },
): AuditRecord {
  const { id, kind, trust, zone, method, address } = call.principal;
  const code = codeOf(ended);
  const traceId = traceIdOf(call.trace?.traceparent);
  return {
    v: 1,
    time: new Date(call.receivedAt).toISOString(),
    call_id: call.id,
    principal: { id, kind, zone, trust, method, ...(address !== undefined && { address }) },
    face: call.face,
    kind: call.kind,
    name: shorten(redact(call.name)),
    arguments_digest: argumentsDigest,
    decisions: call.decisions.map(({ by, effect, policies, reason }) => ({
      by,
      effect,
      policies: policies.map(redact),
      ...(reason !== undefined && { reason: shorten(redact(reason)) }),
    })),
    outcome: outcomeOf(ended, code),
    ...(code !== undefined && { code }),
    duration_ms: Math.round(durationMs * 1_000) / 1_000,
    ...(traceId !== undefined && { trace_id: traceId }),
    ...(call.idempotencyKey !== undefined && { idempotency_key_digest: hash('sha256', call.idempotencyKey, 'hex') }),
  };
}

function codeOf(ended: Ended): string | undefined {
  if ('error' in ended) return MeshworkError.isInstance(ended.error) ? shorten(redact(ended.error.code)) : 'INTERNAL';
  const { result } = ended;
  if (result.kind !== 'tool' || !result.isError) return undefined;
  const code = (result.structuredContent as JsonObject | undefined)?.code;
  return typeof code === 'string' ? shorten(redact(code)) : 'TOOL_FAILED';
}

function outcomeOf(ended: Ended & { target: Target | undefined }, code: string | undefined): Outcome {
  if (code === undefined) return 'result' in ended && ended.result.kind === 'input-required' ? 'input-required' : 'ok';
  if (ended.target === undefined && code === 'NOT_FOUND') return 'unknown-name';
  if (code === 'DENIED') return 'denied';
  if (code === 'INVALID_INPUT') return 'invalid';
  if (code === 'CANCELLED' || code === 'DEADLINE_EXCEEDED') return 'cancelled';
  return 'failed';
}

/** The digest of a call's arguments. It never throws: a caller must not escape the record by what it sends. */
export function digestOf(value: unknown): string {
  try {
    return hash('sha256', canonical((value ?? {}) as JsonValue), 'hex');
  } catch {
    return 'unreadable';
  }
}

/** JSON with sorted keys, so that equal arguments have equal digests however they were written. */
function canonical(value: JsonValue | undefined): string {
  if (typeof value === 'string') return JSON.stringify(redact(value));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const object = value as JsonObject;
  const members = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(redact(key))}:${canonical(object[key])}`);
  return `{${members.join(',')}}`;
}

function shorten(text: string): string {
  const clean = text.toWellFormed();
  if (clean.length <= MAX_NAME) return clean;
  return `${clean.slice(0, MAX_NAME)}…(${clean.length} characters, sha256 ${hash('sha256', clean, 'hex').slice(0, 16)})`.toWellFormed();
}

/** The trace id of a well-formed W3C `traceparent` (https://www.w3.org/TR/trace-context/#traceparent-header). */
function traceIdOf(traceparent: string | undefined): string | undefined {
  return /^(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent ?? '')?.[1];
}
