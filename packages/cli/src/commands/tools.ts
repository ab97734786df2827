import { type JsonObject, type JsonValue, parseJson } from '@meshwork/core';
import { usageError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { table } from '../table.ts';

export async function listTools(context: CommandContext): Promise<ExitCode> {
  await using hub = await context.connect();
  const tools = await hub.tools();
  context.print({ tools }, () =>
    table(
      ['tool', 'what it does'],
      tools.map(({ name, title, description }) => [name, title ?? description]),
    ),
  );
  return exitCodes.ok;
}

export async function callTool(context: CommandContext, name: string, pairs: readonly string[], { args }: { readonly args?: string }): Promise<ExitCode> {
  const written = args === undefined ? {} : objectIn(args);
  await using hub = await context.connect();
  const schema = (await hub.tools()).find((tool) => tool.name === name)?.inputSchema;
  const result = await hub.callRaw(name, { ...written, ...readPairs(pairs, schema) });
  const structured = (result.structuredContent ?? {}) as JsonObject;
  context.print(result, () => textOf(result.content) || JSON.stringify(structured, undefined, 2));
  if (!result.isError) return exitCodes.ok;
  return structured.code === 'INVALID_INPUT' || structured.code === 'NOT_FOUND' ? exitCodes.usage : exitCodes.refused;
}

/** `k=v` pairs as arguments: `k:=json` is JSON; a plain value is a text unless the tool's schema wants something else there. */
export function readPairs(pairs: readonly string[], schema: JsonObject | undefined): JsonObject {
  const result: Record<string, JsonValue> = {};
  for (const pair of pairs) {
    const match = /^([^=:]+)(:?=)([\s\S]*)$/.exec(pair);
    if (match === null) throw usageError(`write arguments as name=value, not ${JSON.stringify(pair)}`);
    const [, name = '', operator, value = ''] = match;
    result[name] = operator === ':=' || wantsJson(schema, name) ? jsonIn(name, value, operator === ':=') : value;
  }
  return result;
}

function wantsJson(schema: JsonObject | undefined, name: string): boolean {
  const property = (schema?.properties as JsonObject | undefined)?.[name] as JsonObject | undefined;
  const type = property?.type;
  return type !== undefined && type !== 'string' && !(Array.isArray(type) && type.includes('string'));
}

function jsonIn(name: string, value: string, required: boolean): JsonValue {
  try {
    return parseJson(value) as JsonValue;
  } catch (error) {
    if (!required) return value;
    throw usageError(`the value of ${name} is not JSON: ${(error as Error).message}`);
  }
}

function objectIn(text: string): JsonObject {
  const value = jsonIn('--args', text, true);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw usageError('--args must be a JSON object');
  return value as JsonObject;
}

function textOf(content: readonly unknown[]): string {
  return (content as { type?: string; text?: string }[]).map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n');
}
