import { MeshworkError } from '@meshwork/core';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';

/** Our own JSON-RPC codes lie outside the band JSON-RPC and MCP reserve (-32768 to -32000). */
const codes: Readonly<Record<string, number>> = {
  INVALID_INPUT: ProtocolErrorCode.InvalidParams,
  NOT_FOUND: ProtocolErrorCode.InvalidParams,
  DENIED: -31403,
  CONFLICT: -31409,
  LIMITED: -31429,
  CANCELLED: -31499,
  UNAVAILABLE: -31503,
  CLOSED: -31503,
  DEADLINE_EXCEEDED: -31504,
};

/** The JSON-RPC code of a stable one. */
export function protocolCodeOf(code: string): number {
  return codes[code] ?? ProtocolErrorCode.InternalError;
}

/** Maps what `hub.call` threw to a JSON-RPC error; `data.code` holds the stable name. The one place where wire codes are chosen. */
export function toProtocolError(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  if (!MeshworkError.isInstance(error) || codes[error.code] === undefined)
    return new ProtocolError(ProtocolErrorCode.InternalError, 'the hub failed; its log says why', { code: 'INTERNAL' });
  return new ProtocolError(protocolCodeOf(error.code), error.message, { code: error.code, ...error.details });
}
