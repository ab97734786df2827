import { InvalidInputError, MeshworkError, type Principal } from '@meshwork/core';
import type { Route } from '../http/http-faces.ts';
import type { FaceResponse, PlainRequest, PlainResponse } from '../http/plain-http.ts';
import { asRefusal } from '../http/refusals.ts';
import { problem, problemOf, strangerProblem } from './problem.ts';

/** One request to one endpoint. */
export interface EndpointRequest {
  readonly request: PlainRequest;
  readonly principal: Principal;
  /** What stood where the path has its `*` or `**`, not decoded. */
  readonly rest: string;
  /** True once the hub was called for it: what goes wrong then is in the record of that call. */
  called?: boolean;
  /** The headers that tell an OAuth client which scopes the call needs, when its token lacks one (RFC 6750 section 3.1). */
  challenge?: Readonly<Record<string, string>>;
}

export type EndpointHandler = (request: EndpointRequest) => FaceResponse | Promise<FaceResponse>;

/** A path and what each method does there. `HEAD` is answered as `GET`. */
export interface Endpoint {
  /** `*` stands for one segment, `**` for all that follows. */
  readonly path: string;
  readonly GET?: EndpointHandler;
  readonly POST?: EndpointHandler;
  readonly DELETE?: EndpointHandler;
  /** What a caller without any credential gets for `GET`, where it gets something. */
  readonly openGet?: () => FaceResponse;
}

const METHODS = ['GET', 'POST', 'DELETE'] as const;

/** Endpoints as one route. Whatever a handler throws becomes a problem; `onError` hears of what is the hub's own fault. */
export function createEndpointsRoute(endpoints: readonly Endpoint[], onError: (error: unknown) => void): Route {
  const known = endpoints.map((endpoint) => ({ endpoint, pattern: patternOf(endpoint.path) }));
  const find = (path: string): { endpoint: Endpoint; rest: string } | undefined => {
    for (const { endpoint, pattern } of known) {
      const match = pattern.exec(path);
      if (match !== null) return { endpoint, rest: match[1] ?? '' };
    }
    return undefined;
  };

  return {
    face: 'rest',
    matches: (path) => find(path) !== undefined,
    async handle(request, principal) {
      const { endpoint, rest } = find(request.path) as { endpoint: Endpoint; rest: string };
      const method = asked(request);
      const handler = METHODS.includes(method as never) ? endpoint[method as (typeof METHODS)[number]] : undefined;
      if (handler === undefined) return refuseMethod(endpoint, request.method);
      const from: EndpointRequest = { request, principal, rest };
      try {
        const answer = challenging(await handler(from), from);
        return request.method === 'POST' ? answer : unshared(answer);
      } catch (error) {
        if (!MeshworkError.isInstance(error)) onError(error);
        const answer = challenging(problemOf(error), from);
        return from.called === true ? answer : asRefusal(answer, detailIn(answer), codeIn(error));
      }
    },
    handleStranger(request, refusal) {
      const open = asked(request) === 'GET' ? find(request.path)?.endpoint.openGet : undefined;
      const shown = request.header('authorization') !== null || request.header('x-api-key') !== null;
      return open === undefined || shown || refusal.status !== 401 ? strangerProblem(refusal) : open();
    },
  };
}

/** A refusal that other scopes would undo says which. */
function challenging<Answer extends FaceResponse>(answer: Answer, { challenge }: EndpointRequest): Answer {
  if (challenge === undefined || answer.status !== 403 || answer instanceof Response) return answer;
  return { ...answer, headers: { ...answer.headers, ...challenge } };
}

/** Decodes one part of a path, once. @throws {InvalidInputError} when it is not well-formed. */
export function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new InvalidInputError('the path has a percent-encoding that is not valid UTF-8');
  }
}

/** Lists and contents are the caller's own: no cache on the way may keep them for another (RFC 9111 section 5.2.2.5), by whatever header the key came. */
function unshared(answer: FaceResponse): FaceResponse {
  if (!(answer instanceof Response)) return { ...answer, headers: { 'cache-control': 'no-store', ...answer.headers } };
  if (!answer.headers.has('cache-control')) answer.headers.set('cache-control', 'no-store');
  return answer;
}

function asked({ method }: PlainRequest): string {
  return method === 'HEAD' ? 'GET' : method;
}

function refuseMethod(endpoint: Endpoint, method: string): PlainResponse {
  const allowed = METHODS.filter((each) => endpoint[each] !== undefined).flatMap((each) => (each === 'GET' ? ['GET', 'HEAD'] : [each]));
  const allow = [...allowed, 'OPTIONS'].join(', ');
  const answer = problem('METHOD_NOT_ALLOWED', `${JSON.stringify(method)} does nothing here; there is ${allow}`, { headers: { allow } });
  return asRefusal(answer, detailIn(answer));
}

function detailIn({ body }: PlainResponse): string {
  return (JSON.parse(body) as { detail: string }).detail;
}

function codeIn(error: unknown): string {
  return MeshworkError.isInstance(error) ? error.code : 'INTERNAL';
}

function patternOf(path: string): RegExp {
  const source = path.replace(/\*\*|\*|[.+?^${}()|[\]\\]/g, (found) => (found === '**' ? '(.+)' : found === '*' ? '([^/]+)' : `\\${found}`));
  return new RegExp(`^${source}$`, 's');
}
