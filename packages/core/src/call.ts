import type { JsonValue } from './json.ts';
import type { Principal } from './principal.ts';

/** The way a call came in. */
export type Face = 'mcp' | 'rest' | 'ws' | 'stdio' | 'local';

/** What a call asks for. */
export type CallKind = 'tool' | 'resource' | 'prompt';

/** One decision taken on the way of a call, kept for the record and for explaining. */
export interface Decision {
  /** Who decided, such as `guardian`. */
  readonly by: string;
  readonly effect: 'allow' | 'deny';
  readonly policies: readonly string[];
  readonly reason?: string;
}

/** W3C trace context of the caller (MCP 2026-07-28, reserved `_meta` keys; https://www.w3.org/TR/trace-context/). */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** What the caller says about its own software. Never used to decide anything. */
export interface ClientFacts {
  readonly name?: string;
  readonly version?: string;
  readonly capabilities?: Readonly<Record<string, unknown>>;
}

/** A step of long work, for the caller to show. */
export interface Progress {
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}

export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency';

/** Ways back to the caller while a call runs; a face that has none leaves them out. */
export interface CallerChannel {
  progress?(step: Progress): void | Promise<void>;
  log?(level: LogLevel, data: unknown, logger?: string): void | Promise<void>;
  /** Drops the stream the answer was to come on, so that the caller has to come back for it (MCP 2025-11-25, SSE polling). */
  closeStream?(): void;
}

/** What says that a caller has given up: an `AbortSignal`, or as much of one as the hub needs. */
export interface Abortable {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: AbortListener, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: AbortListener): void;
}

/** An object that hears of it (DOM, `EventListener`). */
export interface AbortListener {
  handleEvent(): void;
}

/** What a face hands to `hub.call`. */
export interface CallRequest {
  readonly kind?: CallKind;
  /** The tool's or prompt's name, or the resource's URI. */
  readonly name: string;
  readonly arguments?: unknown;
  readonly principal: Principal;
  readonly face: Face;
  readonly signal?: Abortable;
  /** Milliseconds since the Unix epoch after which nobody waits for the answer. */
  readonly deadline?: number;
  readonly trace?: TraceContext;
  /** Two calls of one principal with one key are one call to whoever keeps count. */
  readonly idempotencyKey?: string;
  readonly client?: ClientFacts;
  readonly channel?: CallerChannel;
  /** The caller's answers to an earlier `input-required`, keyed as the requests were. They are the caller's words: check them. */
  readonly inputResponses?: Readonly<Record<string, unknown>>;
  /** The state that came back with them, unsealed. */
  readonly inputState?: JsonValue;
  /** The face and its caller can take a running operation for an answer. */
  readonly asTask?: boolean;
}

/** One call on its way through the hub. Immutable but for `decisions`, to which stages add. */
export interface Call extends Omit<CallRequest, 'kind' | 'signal' | 'channel'> {
  readonly id: string;
  readonly kind: CallKind;
  readonly signal: AbortSignal;
  readonly channel: CallerChannel;
  /** When the hub took it, in milliseconds since the Unix epoch. */
  readonly receivedAt: number;
  /** What was decided about it so far. */
  readonly decisions: Decision[];
}
