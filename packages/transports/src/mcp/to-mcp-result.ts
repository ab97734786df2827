import type { CallResult, JsonValue } from '@meshwork/core';
import { inputRequired } from '@modelcontextprotocol/server';
import { toTask } from './tasks/to-task.ts';

/** A call's result in MCP's words. `seal` protects the state of a question while it is with the caller. */
export async function toMcpResult(result: CallResult, seal: (state: JsonValue) => Promise<string>): Promise<object> {
  switch (result.kind) {
    case 'tool':
    case 'resource':
    case 'prompt': {
      const { kind: _, ...rest } = result;
      return rest;
    }
    case 'operation':
      return { resultType: 'task', ...toTask(result.operation) };
    case 'input-required': {
      const inputRequests = Object.fromEntries(Object.entries(result.requests).map(([key, { method, params }]) => [key, { method, params: params ?? {} }]));
      const requestState = result.state === undefined ? undefined : await seal(result.state);
      return inputRequired({ inputRequests, ...(requestState !== undefined && { requestState }) } as Parameters<typeof inputRequired>[0]);
    }
  }
}
