import type { Call } from '../call.ts';
import { createContext } from '../context.ts';
import { InternalError, TaskRequiredError } from '../errors.ts';
import type { OperationContext, Operations } from '../operations.ts';
import type { CallResult } from '../result.ts';
import { createCall, type RunningCall } from '../running-call.ts';
import type { Target } from '../stage.ts';
import { failureAnswer } from '../tool-failure.ts';
import { execute } from './execute.ts';

type ToolTarget = Extract<Target, { kind: 'tool' }>;

export interface LongWorkOptions {
  readonly operations: Operations | undefined;
  readonly onError: (error: unknown, call: Call | undefined) => void;
}

/** @throws {TaskRequiredError} for a tool that runs only as an operation, when this call cannot be answered with one. */
export function refuseWithoutTask(target: Target, { name, asTask }: Call, operations: Operations | undefined): void {
  if (target.kind !== 'tool' || target.tool.task !== 'required') return;
  if (operations === undefined) throw new TaskRequiredError(`the tool ${JSON.stringify(name)} runs only as an operation, and this hub keeps none`);
  if (asTask !== true)
    throw new TaskRequiredError(
      `the tool ${JSON.stringify(name)} runs only as an operation: call it in a way that takes one for an answer (an MCP client declares the extension io.modelcontextprotocol/tasks)`,
    );
}

/**
 * Runs a tool that does long work: asks what it wants to know first, then starts it as an operation where the caller takes one, or runs it
 * while the caller waits. The operation has the call's principal and arguments, but neither its deadline nor its way back to the caller.
 */
export async function executeLong(target: ToolTarget, args: unknown, call: RunningCall, { operations, onError }: LongWorkOptions): Promise<CallResult> {
  const { tool } = target;
  const context = createContext(call);
  const asking = tool.askFirst?.(args, context);
  const asked = asking instanceof Promise ? await call.ending.race(asking) : asking;
  if (asked !== undefined) return asked;
  if (call.asTask !== true || operations === undefined) return execute(target, args, context, call.ending);
  const operation = await operations.start({ principal: call.principal, name: tool.name }, (work) => runAsOperation(target, args, call, work, onError));
  return { kind: 'operation', operation };
}

/**
 * The work, run again with the answers whenever it has a question. A failure of the tool is its answer, as it is for a call; what the hub
 * itself failed at is thrown (SEP-2663, task execution errors).
 */
async function runAsOperation(
  target: ToolTarget,
  args: unknown,
  call: RunningCall,
  work: OperationContext,
  onError: LongWorkOptions['onError'],
): Promise<CallResult> {
  const { deadline: _, ...asked } = call;
  const channel = { progress: work.progress };
  let round = createCall({ ...asked, signal: work.signal, channel }, call.id, call.receivedAt);
  for (;;) {
    round.decisions.push(...call.decisions);
    let result: CallResult;
    try {
      result = await execute(target, args, createContext(round), round.ending);
    } catch (error) {
      if (error instanceof InternalError) onError(error, round);
      if (error instanceof InternalError || work.signal.aborted) throw error;
      return failureAnswer(error, round, onError);
    } finally {
      round.ending.release();
    }
    if (result.kind !== 'input-required') return result;
    const inputResponses = await work.ask(result.requests);
    const { inputState: _old, ...again } = asked;
    const { state } = result;
    round = createCall({ ...again, signal: work.signal, channel, inputResponses, ...(state !== undefined && { inputState: state }) }, call.id, call.receivedAt);
  }
}
