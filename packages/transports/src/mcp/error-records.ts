import { type JSONRPCErrorResponse, type JSONRPCMessage, ProtocolError, type Transport } from '@modelcontextprotocol/server';
import { UNRECORDED } from '../http/refusals.ts';
import type { RecordFrame } from '../streams/frame-refusals.ts';

/** What errors say that answer a call of the hub: it has that call on record, with what came of it. */
const ofCalls = new WeakSet<object>();

/** The error as the answer to a call the hub was asked for. Of an error only its data goes through the SDK as it is: one without gets some. */
export function asAnswerToCall(error: ProtocolError): ProtocolError {
  const marked = isObject(error.data) ? error : new ProtocolError(error.code, error.message, {});
  ofCalls.add(marked.data as object);
  return marked;
}

/** Why a message refuses a request that no call was made of, and the HTTP status that says the same; `undefined` for every other message. */
export function refusalInMessage(message: unknown): { readonly status: number; readonly reason: string } | undefined {
  const error = (message as Partial<JSONRPCErrorResponse> | null)?.error;
  if (error === undefined || (isObject(error.data) && ofCalls.has(error.data))) return undefined;
  return { status: statusOf(error.code), reason: error.message };
}

/** Has every such message recorded before it leaves. What cannot be recorded is answered with that. */
export function recordingErrors(record: RecordFrame | undefined, send: Transport['send']): Transport['send'] {
  if (record === undefined) return send;
  const unrecorded = { code: -31503, message: UNRECORDED, data: { code: 'UNAVAILABLE' } };
  return (message: JSONRPCMessage, options) => {
    const refused = refusalInMessage(message);
    if (refused === undefined) return send(message, options);
    return record(refused.status, refused.reason).then((isKept) =>
      send(isKept ? message : { ...(message as JSONRPCErrorResponse), error: unrecorded }, options),
    );
  };
}

/** JSON-RPC 2.0 section 5.1; our own codes end in their status. */
function statusOf(code: number): number {
  if (code <= -31_400 && code > -31_600) return -code - 31_000;
  if (code === -32_601) return 404;
  return code === -32_603 ? 500 : 400;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
