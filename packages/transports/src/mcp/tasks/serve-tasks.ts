import type { JsonObject } from '@meshwork/core';
import { ProtocolError, ProtocolErrorCode, type Server, type ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { asAnswerToCall } from '../error-records.ts';
import { protocolCodeOf } from '../to-protocol-error.ts';
import { declaresTasks, tasksRequired } from './tasks-extension.ts';
import { type ShownOperation, toDetailedTask } from './to-task.ts';

/** Calls a tool of the hub for the server's principal, and answers in MCP's words. */
export type CallTool = (name: string, args: JsonObject, context: ServerContext) => Promise<object>;

const result = z.looseObject({});
const byId = { params: z.looseObject({ taskId: z.string() }), result };
const update = { params: z.looseObject({ taskId: z.string(), inputResponses: z.record(z.string(), z.unknown()).optional() }), result };

/**
 * Shows a hub's operations as tasks (SEP-2663): `tasks/get`, `tasks/update` and `tasks/cancel` are calls of the hub's `operation_…` tools, so
 * that they are authorized and recorded as those are. The SDK serves no tasks yet; when it does, this folder can go.
 */
export function serveTasks(server: Server, callTool: CallTool): void {
  const operation = async (tool: string, args: JsonObject, context: ServerContext) => {
    if (!declaresTasks(context.mcpReq.envelope)) throw tasksRequired();
    const answer = (await callTool(tool, args, context)) as { isError?: boolean; structuredContent?: JsonObject };
    const { isError = false, structuredContent } = answer;
    if (structuredContent === undefined)
      throw asAnswerToCall(
        new ProtocolError(ProtocolErrorCode.InvalidRequest, `the hub has a question first, which a task cannot carry: call the tool ${tool}`, {
          code: 'INPUT_REQUIRED',
        }),
      );
    return { isError, content: structuredContent };
  };
  const refusalOf = ({ code, message, ...details }: JsonObject) =>
    asAnswerToCall(new ProtocolError(protocolCodeOf(String(code)), String(message), { code, ...details }));

  server.setRequestHandler('tasks/get', byId, async ({ taskId }, context) => {
    const { isError, content } = await operation('operation_get', { id: taskId }, context);
    if (isError) throw refusalOf(content);
    return toDetailedTask(content as unknown as ShownOperation);
  });
  server.setRequestHandler('tasks/cancel', byId, async ({ taskId }, context) => {
    const { isError, content } = await operation('operation_cancel', { id: taskId }, context);
    if (isError) throw refusalOf(content);
    return {};
  });
  server.setRequestHandler('tasks/update', update, async ({ taskId, inputResponses }, context) => {
    // The SDK takes this field out of the parameters of methods it knows nothing of, too.
    const responses = inputResponses ?? context.mcpReq.inputResponses;
    if (responses === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'inputResponses is missing');
    const { isError, content } = await operation('operation_answer', { id: taskId, responses: responses as JsonObject }, context);
    // What comes too late is ignored: then the failure tells what the operation is doing instead.
    if (isError && content.status === undefined) throw refusalOf(content);
    return {};
  });
}
