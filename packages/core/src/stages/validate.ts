import type { Call } from '../call.ts';
import { findJsonFault } from '../check-json.ts';
import { InvalidInputError } from '../errors.ts';
import type { Prompt } from '../prompt.ts';
import { parseWith, type SchemaResult } from '../schema.ts';
import type { Target } from '../stage.ts';

/** Parses the call's arguments by the target's schema. @throws {InvalidInputError} that says which field is wrong and how. */
export function validate(call: Call, target: Target): unknown {
  const args = call.arguments ?? {};
  const fault = findJsonFault(args);
  if (fault !== undefined) throw new InvalidInputError(`the arguments of ${call.name} are refused: ${fault}`);
  switch (target.kind) {
    case 'tool': {
      const result = parseWith(target.tool.input, args);
      return result instanceof Promise ? result.then((parsed) => valueOrThrow(parsed, call.name)) : valueOrThrow(result, call.name);
    }
    case 'resource':
      return undefined;
    case 'prompt':
      return promptArguments(target.prompt, args);
  }
}

function valueOrThrow(result: SchemaResult<unknown>, name: string): unknown {
  if (result.ok) return result.value;
  const issues = result.issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  throw new InvalidInputError(`the arguments of ${name} do not fit: ${issues.join('; ')}`, { details: { issues: result.issues } });
}

function promptArguments(prompt: Prompt, args: unknown): Record<string, string> {
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    throw new InvalidInputError(`the arguments of the prompt ${prompt.name} must be an object of strings`);
  const given = args as Record<string, unknown>;
  const values: Record<string, string> = {};
  for (const { name, required = false } of prompt.arguments ?? []) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (typeof value === 'string') values[name] = value;
    else if (value !== undefined) throw new InvalidInputError(`the argument ${name} of the prompt ${prompt.name} must be a string`);
    else if (required) throw new InvalidInputError(`the prompt ${prompt.name} needs the argument ${name}`);
  }
  return values;
}
