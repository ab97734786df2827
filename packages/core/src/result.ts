import type { ContentBlock, PromptMessage, ResourceContents } from './content.ts';
import type { JsonObject, JsonValue } from './json.ts';
import type { Operation } from './operation.ts';

/** What a tool answers. `isError` marks a failure of the tool, told to the caller as content (MCP 2026-07-28, tools). */
export interface ToolAnswer {
  readonly kind: 'tool';
  readonly content: readonly ContentBlock[];
  readonly structuredContent?: JsonValue;
  readonly isError?: boolean;
  readonly _meta?: JsonObject;
}

/** What a resource holds when it is read. */
export interface ResourceAnswer {
  readonly kind: 'resource';
  readonly contents: readonly ResourceContents[];
}

/** A rendered prompt. */
export interface PromptAnswer {
  readonly kind: 'prompt';
  readonly description?: string;
  readonly messages: readonly PromptMessage[];
}

/** A question to the caller, its user or its model; `params` are those of the MCP method. */
export interface InputRequest {
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list';
  readonly params?: JsonObject;
}

/**
 * The work needs an answer first: the caller fulfils `requests` and calls again (MCP 2026-07-28, multi-round-trip requests).
 * `state` comes back with the next call; transports seal it, so that a caller can neither read a promise into it nor change it.
 */
export interface InputRequired {
  readonly kind: 'input-required';
  readonly requests: Readonly<Record<string, InputRequest>>;
  readonly state?: JsonValue;
}

/** The work has begun and goes on: its result is the operation's. Only callers that said `asTask` get this. */
export interface OperationStarted {
  readonly kind: 'operation';
  readonly operation: Operation;
}

/** What a call ends with. */
export type CallResult = ToolAnswer | ResourceAnswer | PromptAnswer | InputRequired | OperationStarted;

/** Asks the caller for input; a tool returns this instead of its answer. */
export function inputRequired(requests: Readonly<Record<string, InputRequest>>, state?: JsonValue): InputRequired {
  return { kind: 'input-required', requests, ...(state !== undefined && { state }) };
}

/** A tool's answer in content blocks, for tools that have no output schema. */
export function toolAnswer(content: readonly ContentBlock[], extra: Omit<ToolAnswer, 'kind' | 'content'> = {}): ToolAnswer {
  return { kind: 'tool', content, ...extra };
}
