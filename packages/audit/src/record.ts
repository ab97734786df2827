import { hash } from 'node:crypto';
import {
  type Call,
  type CallKind,
  type Ended,
  failureCodeOf,
  type JsonObject,
  type JsonValue,
  type Outcome,
  outcomeOf,
  redactSecrets,
  type Target,
} from '@meshwork/core';
import type { DoorRecord } from './door-record.ts';

/** What every record says. No argument, token or key is in it. */
export interface RecordBase {
  readonly v: 1;
  /** ISO 8601, when the hub took the call or refused the request. */
  readonly time: string;
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
  readonly decisions: readonly { readonly by: string; readonly effect: string; readonly policies: readonly string[]; readonly reason?: string }[];
  readonly outcome: Outcome;
  readonly code?: string;
}

/** One call, as it is kept. */
export interface CallRecord extends RecordBase {
  readonly kind: CallKind;
  readonly call_id: string;
  /** SHA-256 of the arguments in canonical JSON, secrets replaced; `unreadable` when they were no JSON (a cycle, a bigint, too deep). */
  readonly arguments_digest: string;
  readonly duration_ms: number;
  readonly trace_id?: string;
  /** SHA-256 of the caller's idempotency key: equal for the repetitions of one call. */
  readonly idempotency_key_digest?: string;
}

/** A call, or a request that was refused before it was one; `kind` says which. The fields of the other kind are absent. */
export type AuditRecord = (CallRecord & Absent<DoorRecord, CallRecord>) | (DoorRecord & Absent<CallRecord, DoorRecord>);

type Absent<Of, In> = { readonly [Field in Exclude<keyof Of, keyof In>]?: never };

const MAX_NAME = 256;

/** Pure: what is kept of a call and how it ended. */
export function recordOf(
  call: Call,
  ended: Ended & { readonly target: Target | undefined },
  { durationMs, argumentsDigest }: { readonly durationMs: number; readonly argumentsDigest: string },
): CallRecord {
  const { id, kind, trust, zone, method, address } = call.principal;
  const failure = failureCodeOf(ended);
  const code = failure === undefined ? undefined : shorten(redactSecrets(failure));
  const traceId = traceIdOf(call.trace?.traceparent);
  return {
    v: 1,
    time: new Date(call.receivedAt).toISOString(),
    call_id: call.id,
    principal: { id, kind, zone, trust, method, ...(address !== undefined && { address }) },
    face: call.face,
    kind: call.kind,
    name: shorten(redactSecrets(call.name)),
    arguments_digest: argumentsDigest,
    decisions: call.decisions.map(({ by, effect, policies, reason }) => ({
      by,
      effect,
      policies: policies.map(redactSecrets),
      ...(reason !== undefined && { reason: shorten(redactSecrets(reason)) }),
    })),
    outcome: outcomeOf(ended, code, () => ended.target !== undefined),
    ...(code !== undefined && { code }),
    duration_ms: Math.round(durationMs * 1_000) / 1_000,
    ...(traceId !== undefined && { trace_id: traceId }),
    ...(call.idempotencyKey !== undefined && { idempotency_key_digest: hash('sha256', call.idempotencyKey, 'hex') }),
  };
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
  if (typeof value === 'string') return JSON.stringify(redactSecrets(value));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const object = value as JsonObject;
  const members = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(redactSecrets(key))}:${canonical(object[key])}`);
  return `{${members.join(',')}}`;
}

/** A text of bounded length, of which a longer one's end is told by its digest. */
export function shorten(text: string): string {
  const clean = text.toWellFormed();
  if (clean.length <= MAX_NAME) return clean;
  return `${clean.slice(0, MAX_NAME)}…(${clean.length} characters, sha256 ${hash('sha256', clean, 'hex').slice(0, 16)})`.toWellFormed();
}

/** The trace id of a well-formed W3C `traceparent` (https://www.w3.org/TR/trace-context/#traceparent-header). */
function traceIdOf(traceparent: string | undefined): string | undefined {
  return /^(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent ?? '')?.[1];
}
