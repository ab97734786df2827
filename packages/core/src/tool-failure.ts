import type { Call } from './call.ts';
import { CancelledError, DeadlineError, InternalError, MeshworkError } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { ToolAnswer } from './result.ts';

/**
 * A tool call's failure as an answer the model can read and a program can dispatch on: `structuredContent` holds `code`, `message` and
 * the error's details. Errors of other kinds than `MeshworkError` come from the tool's own code: their message is shown, their cause is
 * reported. A resource or a prompt has no such answer: its error is thrown.
 */
export function failureAnswer(error: unknown, call: Call, onError: (error: unknown, call: Call) => void): ToolAnswer {
  const known = toMeshworkError(error, call);
  if (known instanceof InternalError) onError(error, call);
  if (call.kind !== 'tool') throw known;
  const failure: JsonObject = { ...(known.details as JsonObject | undefined), code: known.code, message: known.message };
  return { kind: 'tool', isError: true, content: [{ type: 'text', text: known.message }], structuredContent: failure };
}

function toMeshworkError(error: unknown, call: Call): MeshworkError {
  if (MeshworkError.isInstance(error)) return error;
  if (error instanceof DOMException && error.name === 'TimeoutError') return new DeadlineError('the deadline of the call has passed');
  if (call.signal.aborted) return MeshworkError.isInstance(call.signal.reason) ? call.signal.reason : new CancelledError('the call was cancelled');
  return new InternalError(error instanceof Error && error.message !== '' ? error.message : 'the tool failed', { cause: error });
}
