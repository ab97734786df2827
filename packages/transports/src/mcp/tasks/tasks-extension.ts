import type { CallResult, JsonObject } from '@meshwork/core';
import { CLIENT_CAPABILITIES_META_KEY, MissingRequiredClientCapabilityError } from '@modelcontextprotocol/server';

/** The Tasks extension (SEP-2663). */
export const TASKS = 'io.modelcontextprotocol/tasks';

/** True when the client of one request declares the extension in it; what it declared earlier does not count. */
export function declaresTasks(meta: unknown): boolean {
  const { extensions } = ((meta as Record<string, unknown> | undefined)?.[CLIENT_CAPABILITIES_META_KEY] ?? {}) as { extensions?: unknown };
  return typeof extensions === 'object' && extensions !== null && Object.hasOwn(extensions, TASKS);
}

/** What a client that does not declare it is told. */
export function tasksRequired(): MissingRequiredClientCapabilityError {
  return new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions: { [TASKS]: {} } } });
}

/** True for the hub's refusal of a tool that runs only as an operation: here that is an error of the protocol, not the tool's. */
export function isTaskRefusal(result: CallResult): boolean {
  return result.kind === 'tool' && result.isError === true && (result.structuredContent as JsonObject | undefined)?.code === 'TASK_REQUIRED';
}
