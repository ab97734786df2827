import { MeshworkError } from '@meshwork/core';

/** The handshake did not come to a session. `details.hubCode` is the hub's own code, where it gave one. */
export class SessionError extends MeshworkError<'SESSION_REFUSED'> {
  constructor(message: string, hubCode?: string) {
    super('SESSION_REFUSED', message, hubCode === undefined ? {} : { details: { hubCode } });
  }
}

/**
 * The structured answer of a tool, from what an MCP client gives (`structuredContent`), a JSON body of REST, or the bare object.
 *
 * @throws {SessionError} when it is a failure or no object.
 */
export function readAnswer(answer: unknown): Readonly<Record<string, unknown>> {
  if (!isObject(answer)) throw new SessionError('the hub gave no structured answer; call its tools so that it can');
  const inner = isObject(answer.structuredContent) ? answer.structuredContent : answer;
  const { code, message, detail } = inner;
  // A failure of MCP says isError, a problem of REST (RFC 9457) has a status; both have a code.
  if (answer.isError === true || (typeof code === 'string' && !('nonce' in inner) && !('session_token' in inner))) {
    const said = [message, detail].find((text) => typeof text === 'string');
    throw new SessionError(`the hub refused: ${said ?? 'it did not say why'}`, typeof code === 'string' ? code : undefined);
  }
  return inner;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
