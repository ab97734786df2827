import type { CallContext } from './context.ts';
import type { JsonObject } from './json.ts';
import type { InputRequired, ToolAnswer } from './result.ts';
import type { Parsed, ToolSchema } from './schema.ts';

/** What a tool does to the world: the ground of every access rule. */
export type Effect = 'read' | 'write' | 'admin';

/** Hints for people and models (MCP 2026-07-28, schema `ToolAnnotations`). The hub fills them from `effect` where left out. */
export interface ToolAnnotations {
  readonly title?: string;
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

/** Everything about a tool but what it does. */
export interface ToolDescription {
  /** 1 to 64 characters of `A-Z a-z 0-9 _ . -`. */
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  /** The group it belongs to, such as `permission`; rules and limits may name it. */
  readonly category: string;
  readonly effect: Effect;
  /** The scopes a credential that has any needs for it. Default: its effect. Empty for what every credential is good for, such as signing in. */
  readonly scopes?: readonly string[];
  /** Semantic version; `1.0.0` when left out. Several versions may be registered: the highest answers to the bare name. */
  readonly version?: string;
  /** Other names that reach it; they work but are not listed. */
  readonly aliases?: readonly string[];
  /** Tools it needs, as `name` or `name@range` (`audit_verify@^1.0.0`). */
  readonly requires?: readonly string[];
  readonly annotations?: ToolAnnotations;
  /**
   * Long work. Where the caller can take an operation for an answer it runs as one; elsewhere, `optional` work runs while the caller waits,
   * and `required` work is refused (`TASK_REQUIRED`).
   */
  readonly task?: 'optional' | 'required';
  readonly _meta?: JsonObject;
}

/**
 * A tool: data and one function. With an `output` schema `run` returns what that schema describes; without one it returns
 * content blocks (`toolAnswer`). Either may return `inputRequired(...)` to ask the caller first.
 */
export interface Tool<Input extends ToolSchema = ToolSchema, Output extends ToolSchema | undefined = ToolSchema | undefined> extends ToolDescription {
  readonly input: Input;
  readonly output?: Output;
  run(args: Parsed<Input>, context: CallContext): ToolReturn<Output> | Promise<ToolReturn<Output>>;
  /**
   * What has to be asked before long work begins; `undefined` when nothing has. The answers are in `call.inputResponses` of the call that
   * begins it. What `run` asks is asked of the operation.
   */
  askFirst?(args: Parsed<Input>, context: CallContext): InputRequired | undefined | Promise<InputRequired | undefined>;
}

export type ToolReturn<Output extends ToolSchema | undefined> = InputRequired | (Output extends ToolSchema ? Parsed<Output> : ToolAnswer);

/** Any tool, when its types do not matter. */
// biome-ignore lint/suspicious/noExplicitAny: a list of tools holds every shape; `any` is what makes the parameter bivariant.
export type AnyTool = Tool<any, any>;

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * Checks a tool's name and returns the tool unchanged, with its types inferred from its schemas.
 *
 * @throws {TypeError} when the name is not one MCP hosts accept.
 */
export function defineTool<Input extends ToolSchema, Output extends ToolSchema | undefined = undefined>(tool: Tool<Input, Output>): Tool<Input, Output> {
  for (const name of [tool.name, ...(tool.aliases ?? [])]) {
    if (!NAME.test(name)) throw new TypeError(`the tool name ${JSON.stringify(name)} must be 1 to 64 characters of A-Z a-z 0-9 _ . -`);
  }
  return tool;
}
