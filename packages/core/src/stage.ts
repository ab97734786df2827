import type { Call } from './call.ts';
import type { Prompt } from './prompt.ts';
import type { Resource } from './resource.ts';
import type { CallResult } from './result.ts';
import type { AnyTool } from './tool.ts';

/** The slots a module may fill. `resolve`, `validate` and `execute` are the hub's own. */
export type SlotName = 'limit' | 'authorize' | 'approve' | 'reserve' | 'settle' | 'record' | 'publish';

/** What the call's name stands for. */
export type Target =
  | { readonly kind: 'tool'; readonly tool: AnyTool }
  | { readonly kind: 'resource'; readonly resource: Resource; readonly variables: Readonly<Record<string, string>> }
  | { readonly kind: 'prompt'; readonly prompt: Prompt };

/**
 * One step of every call. `next()` goes on; a throw refuses. `target` is `undefined` only in the outer slots
 * (`settle`, `record`, `publish`) before `next()` has resolved it, or when nothing has that name.
 */
export type Stage = (step: StageStep, next: () => Promise<CallResult>) => Promise<CallResult>;

export interface StageStep {
  readonly call: Call;
  readonly target: Target | undefined;
}

/**
 * The order in which slots enclose one another, outermost first. A call enters from the left and its result leaves to the left,
 * so that what happens is resolve, validate, limit, authorize, approve, reserve, execute, settle, record, publish:
 * the last three do their work on the way out, and see every outcome, refusals too.
 */
export const enclosingOrder = ['publish', 'record', 'settle', 'resolve', 'validate', 'limit', 'authorize', 'approve', 'reserve', 'execute'] as const;
