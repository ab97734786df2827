import type { Authenticator, Connection, Hub, InputRequired, Principal } from '@meshwork/core';
import { type AuthInfo, classifyInboundRequest, createMcpHandler, createRequestStateCodec } from '@modelcontextprotocol/server';
import { createEventBus } from './event-bus.ts';
import { type HostRules, isKnownHost, isKnownOrigin } from './host-and-origin.ts';
import { errorResponse } from './json-rpc-response.ts';
import { createLegacySessions } from './legacy-sessions.ts';
import { createMcpServer, type SealedState } from './mcp-server.ts';
import { findParamHeaderFault } from './param-headers.ts';
import { answerQuickCall, recogniseQuickCall } from './quick-tool-call.ts';
import { parseBody, type RawBody, readBytes } from './read-body.ts';
import { sharedValidator } from './shared-validator.ts';

export interface FetchHandlerOptions extends HostRules {
  /** Who turns credentials into principals; or one principal for everybody, which is right only behind a door of your own. */
  readonly authenticator: Authenticator | { readonly everybody: Principal };
  /** Largest request body, in bytes. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Milliseconds a call may take. Default 300,000. */
  readonly callTimeoutMs?: number;
  /** Sessions of 2025-revision clients kept at most (default 1,000), and how long an idle one lives (default 300,000 ms). */
  readonly maxSessions?: number;
  readonly sessionIdleMs?: number;
  /** Answer plain tool calls without the SDK (default true). Off, everything goes through the SDK: for comparing the two. */
  readonly quickCalls?: boolean;
  /** Called with what went wrong, for the operator's log. */
  readonly onError?: (error: unknown) => void;
}

/** What the server under the handler knows of the connection. */
export interface RequestFacts {
  readonly remoteAddress?: string;
  readonly localAddress?: string;
  readonly encrypted?: boolean;
  /** The body, when the server has read it already. */
  readonly body?: RawBody;
}

export interface FetchHandler {
  (request: Request, facts?: RequestFacts): Promise<Response>;
  close(): Promise<void>;
  readonly maxBodyBytes: number;
}

/**
 * Shows a hub as one MCP endpoint, in Web-standard terms: revision 2026-07-28 without sessions, the 2025 revisions with them. Host, Origin,
 * size and credential are checked before anything is parsed or a call exists.
 */
export function createFetchHandler(hub: Hub, options: FetchHandlerOptions): FetchHandler {
  const {
    authenticator,
    maxBodyBytes = 2 ** 20,
    callTimeoutMs = 300_000,
    maxSessions = 1_000,
    sessionIdleMs = 300_000,
    quickCalls = true,
    onError = () => {},
  } = options;
  const stateCodec = createRequestStateCodec<SealedState>({ key: crypto.getRandomValues(new Uint8Array(32)) });
  const createServer = (principal: Principal, answered?: InputRequired) =>
    createMcpServer(hub, { principal, face: 'mcp', stateCodec, jsonSchemaValidator: sharedValidator, callTimeoutMs, onError, ...(answered && { answered }) });
  const { bus, stop } = createEventBus(hub, onError);
  const modern = createMcpHandler(({ authInfo }) => createServer(principalIn(authInfo), answeredIn(authInfo)), { legacy: 'reject', bus, onerror: () => {} });
  const sessions = createLegacySessions({ hub, createServer, maxSessions, idleMs: sessionIdleMs });

  const authenticate = async (request: Request, facts: RequestFacts): Promise<Principal | undefined> => {
    if ('everybody' in authenticator) return authenticator.everybody;
    const connection: Connection = {
      via: 'http',
      encrypted: facts.encrypted ?? false,
      ...(facts.remoteAddress !== undefined && { remoteAddress: facts.remoteAddress }),
    };
    return authenticator.authenticate(credentialOf(request.headers), connection);
  };

  const answer = async (request: Request, facts: RequestFacts): Promise<Response> => {
    const { headers, method } = request;
    if (!isKnownHost(headers.get('host'), facts.localAddress, options))
      return errorResponse(403, -31403, 'this hub does not answer to that Host; add it to allowedHosts if it should');
    if (!isKnownOrigin(headers.get('origin'), options))
      return errorResponse(403, -31403, 'pages of that Origin may not call this hub; add it to allowedOrigins if they should');
    if (method === 'OPTIONS') return new Response(null, { status: 204 });
    const principal = await authenticate(request, facts);
    if (principal === undefined) return unauthorized(headers);
    if (method !== 'POST') return sessions.handle(request, principal, undefined);
    const bytes = facts.body ?? (request.body === null ? new Uint8Array() : await readBytes(request.body, maxBodyBytes));
    if (bytes === 'too-large') return errorResponse(413, -31413, `the request body is larger than ${maxBodyBytes} bytes`);
    const body = parseBody(bytes);
    if (!body.ok) return errorResponse(400, -32700, body.message);
    const quick = quickCalls ? recogniseQuickCall(hub, headers, body.value) : undefined;
    if (quick !== undefined) {
      const answered = await answerQuickCall(hub, principal, quick, { signal: request.signal, deadline: Date.now() + callTimeoutMs });
      return answered instanceof Response
        ? answered
        : modern.fetch(withoutBody(request), { authInfo: authInfoOf(principal, answered), parsedBody: body.value });
    }
    const inbound = classifyInboundRequest({
      httpMethod: method,
      protocolVersionHeader: headers.get('mcp-protocol-version') ?? undefined,
      mcpMethodHeader: headers.get('mcp-method') ?? undefined,
      body: body.value,
    } as Parameters<typeof classifyInboundRequest>[0]);
    if (inbound.kind === 'legacy') return sessions.handle(withoutBody(request), principal, body.value);
    return paramHeaderRefusal(hub, headers, body.value) ?? modern.fetch(withoutBody(request), { authInfo: authInfoOf(principal), parsedBody: body.value });
  };

  const handler = async (request: Request, facts: RequestFacts = {}): Promise<Response> => {
    try {
      return withCors(await answer(request, facts), request, options);
    } catch (error) {
      onError(error);
      return errorResponse(500, -32603, 'the hub failed; its log says why');
    }
  };
  return Object.assign(handler, {
    maxBodyBytes,
    async close() {
      stop();
      await Promise.allSettled([modern.close(), sessions.close()]);
    },
  });
}

/** `Authorization: Bearer …` or `X-API-Key: …`. */
function credentialOf(headers: Headers): string | undefined {
  const bearer = /^Bearer +([^\s]+) *$/i.exec(headers.get('authorization') ?? '');
  return bearer?.[1] ?? headers.get('x-api-key') ?? undefined;
}

function unauthorized(headers: Headers): Response {
  const shown = credentialOf(headers) !== undefined;
  const challenge = shown ? 'Bearer realm="meshwork", error="invalid_token"' : 'Bearer realm="meshwork"';
  const message = shown ? 'the key is not known to this hub; ask its admin for one' : 'this hub needs a key: send it as "Authorization: Bearer <key>"';
  return errorResponse(401, -31401, message, { 'www-authenticate': challenge });
}

const PRINCIPAL = 'meshwork.principal';
const ANSWERED = 'meshwork.answered';

function authInfoOf(principal: Principal, answered?: InputRequired): AuthInfo {
  return { token: '', clientId: principal.id, scopes: [], extra: { [PRINCIPAL]: principal, [ANSWERED]: answered } };
}

function principalIn(authInfo: AuthInfo | undefined): Principal {
  const principal = authInfo?.extra?.[PRINCIPAL];
  if (principal === undefined) throw new Error('a request reached the MCP handler without a principal');
  return principal as Principal;
}

function answeredIn(authInfo: AuthInfo | undefined): InputRequired | undefined {
  return authInfo?.extra?.[ANSWERED] as InputRequired | undefined;
}

/** The body was read already: what goes on is the request's line and headers. */
function withoutBody(request: Request): Request {
  if (request.body === null) return request;
  return new Request(request.url, { method: request.method, headers: request.headers, signal: request.signal });
}

function paramHeaderRefusal(hub: Hub, headers: Headers, body: unknown): Response | undefined {
  const { id, method, params } = body as { id?: unknown; method?: unknown; params?: { name?: unknown; arguments?: unknown } };
  if (method !== 'tools/call' || typeof params?.name !== 'string') return undefined;
  const target = hub.catalogue.find('tool', params.name);
  if (target?.kind !== 'tool') return undefined;
  const fault = findParamHeaderFault(target.tool, params.arguments, headers);
  return fault === undefined
    ? undefined
    : Response.json({ jsonrpc: '2.0', id: id ?? null, error: { code: -32020, message: `header mismatch: ${fault}` } }, { status: 400 });
}

function withCors(response: Response, request: Request, rules: HostRules): Response {
  const origin = request.headers.get('origin');
  if (origin === null || !isKnownOrigin(origin, rules)) return response;
  const headers = new Headers(response.headers);
  headers.set('access-control-allow-origin', origin);
  headers.set('vary', 'origin');
  headers.set('access-control-expose-headers', 'mcp-session-id, mcp-protocol-version, www-authenticate');
  if (request.method === 'OPTIONS') {
    headers.set('access-control-allow-methods', 'POST, GET, DELETE, OPTIONS');
    headers.set('access-control-allow-headers', request.headers.get('access-control-request-headers') ?? 'authorization, content-type');
    headers.set('access-control-max-age', '600');
  }
  return new Response(response.body, { status: response.status, headers });
}
