import { MeshworkError } from '@meshwork/core';
import type { PlainResponse } from '../http/plain-http.ts';
import { codeOf, withRefusalOf } from '../http/refusals.ts';

/** The HTTP status of each stable code. What is not here is a failure of a tool's own making. */
const statuses: ReadonlyMap<string, number> = new Map([
  ['INVALID_INPUT', 400],
  ['UNAUTHENTICATED', 401],
  ['CHALLENGE_FAILED', 401],
  ['REPLAYED', 401],
  ['DENIED', 403],
  ['NOT_FOUND', 404],
  ['METHOD_NOT_ALLOWED', 405],
  ['NOT_ACCEPTABLE', 406],
  ['CONFLICT', 409],
  ['HISTORY_DROPPED', 410],
  ['TOO_LARGE', 413],
  ['UNSUPPORTED_MEDIA_TYPE', 415],
  ['INPUT_REQUIRED', 422],
  ['LIMITED', 429],
  ['CANCELLED', 499],
  ['INTERNAL', 500],
  ['UNKNOWN_OUTCOME', 500],
  ['UNAVAILABLE', 503],
  ['CLOCK_UNSURE', 503],
  ['CLOSED', 503],
  ['STORE_IN_USE', 503],
  ['DEADLINE_EXCEEDED', 504],
]);

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  499: 'Client Closed Request',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

export interface ProblemExtras {
  /** Members beside the standard ones, such as an error's details. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal or failure as `application/problem+json` (RFC 9457); `code` is the stable name to dispatch on. */
export function problem(code: string, detail: string, { members = {}, headers = {} }: ProblemExtras = {}): PlainResponse {
  const status = statuses.get(code) ?? 422;
  const { retryAfterMs } = members;
  // A member that calls itself like a standard one loses: nobody's details choose the status.
  const body = { ...members, type: 'about:blank', title: titles[status], status, detail, code };
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(typeof retryAfterMs === 'number' && retryAfterMs >= 0 && { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
      ...headers,
    },
    body: JSON.stringify(body),
  };
}

/** What was thrown, as a problem. Of a failure inside the hub the caller sees only that there was one. */
export function problemOf(error: unknown): PlainResponse {
  if (!MeshworkError.isInstance(error) || error.code === 'INTERNAL') return problem('INTERNAL', 'the hub failed; its log says why');
  return problem(error.code, error.message, { ...(error.details !== undefined && { members: error.details }) });
}

/** The door's refusal of somebody unknown, in the same form. */
export function strangerProblem(refusal: PlainResponse): PlainResponse {
  const { 'content-type': _, ...headers } = refusal.headers;
  const { error } = JSON.parse(refusal.body) as { error: { message: string } };
  return withRefusalOf(problem(codeOf(refusal.status), error.message, { headers }), refusal);
}
