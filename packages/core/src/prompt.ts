import type { PromptMessage } from './content.ts';
import type { CallContext } from './context.ts';
import type { Completer } from './resource.ts';
import type { InputRequired } from './result.ts';

/** One argument of a prompt; prompts take strings only (MCP 2026-07-28, prompts). */
export interface PromptArgument {
  readonly name: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly complete?: Completer;
}

/** A prompt template people can pick. */
export interface Prompt {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly arguments?: readonly PromptArgument[];
  render(args: Readonly<Record<string, string>>, context: CallContext): PromptReturn | Promise<PromptReturn>;
}

export type PromptReturn = { readonly description?: string; readonly messages: readonly PromptMessage[] } | InputRequired;

/** Returns a prompt unchanged, typed. */
export function definePrompt(prompt: Prompt): Prompt {
  return prompt;
}
