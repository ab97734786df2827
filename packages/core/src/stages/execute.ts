import type { CallSignal } from '../call-signal.ts';
import type { ResourceContents } from '../content.ts';
import type { CallContext } from '../context.ts';
import { InternalError } from '../errors.ts';
import type { JsonValue } from '../json.ts';
import type { Resource, ResourceReturn } from '../resource.ts';
import type { CallResult, InputRequired, ToolAnswer } from '../result.ts';
import { parseWith } from '../schema.ts';
import type { Target } from '../stage.ts';
import type { AnyTool } from '../tool.ts';

/** Runs what the call is for, and stops waiting for it when the call is ended: work that does not listen runs on for nobody. */
export async function execute(target: Target, args: unknown, context: CallContext, ending: CallSignal): Promise<CallResult> {
  const outcome = async <T>(returned: T | Promise<T>): Promise<T> => (returned instanceof Promise ? ending.race(returned) : returned);
  switch (target.kind) {
    case 'tool':
      return toolResult(target.tool, await outcome(target.tool.run(args, context)));
    case 'resource': {
      const request = { uri: context.call.name, variables: target.variables };
      return resourceResult(target.resource, request.uri, await outcome(target.resource.read(request, context)));
    }
    case 'prompt': {
      const rendered = await outcome(target.prompt.render(args as Record<string, string>, context));
      return 'kind' in rendered ? rendered : { kind: 'prompt', ...rendered };
    }
  }
}

async function toolResult(tool: AnyTool, returned: unknown): Promise<CallResult> {
  if (isInputRequired(returned)) return returned;
  if (tool.output === undefined) return returned as ToolAnswer;
  const result = await parseWith(tool.output, returned);
  if (!result.ok) throw new InternalError(`the tool ${tool.name} answered something its output schema does not allow`, { cause: result.issues });
  const structuredContent = result.value as JsonValue;
  return { kind: 'tool', content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
}

function resourceResult(resource: Resource, uri: string, returned: ResourceReturn): CallResult {
  if (isInputRequired(returned)) return returned;
  if ('contents' in returned) return { kind: 'resource', contents: returned.contents };
  if ('json' in returned) return contentsOf({ uri, mimeType: resource.mimeType ?? 'application/json', text: JSON.stringify(returned.json) });
  return contentsOf({ uri, ...(resource.mimeType !== undefined && { mimeType: resource.mimeType }), ...returned });
}

function contentsOf(contents: ResourceContents): CallResult {
  return { kind: 'resource', contents: [contents] };
}

function isInputRequired(value: unknown): value is InputRequired {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'input-required';
}
