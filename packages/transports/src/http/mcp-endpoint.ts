import type { Hub, InputRequired, Principal } from '@meshwork/core';
import { type AuthInfo, classifyInboundRequest, createMcpHandler } from '@modelcontextprotocol/server';
import { createEventBus } from '../mcp/event-bus.ts';
import { createMcpServer } from '../mcp/mcp-server.ts';
import { findParamHeaderFault } from '../mcp/param-headers.ts';
import { answerQuickly, recogniseQuickly } from '../mcp/quick-answer.ts';
import { markRefused } from '../mcp/refused-by-sdk.ts';
import { sharedValidator } from '../mcp/shared-validator.ts';
import { createStateCodec } from '../mcp/state-codec.ts';
import { listenOverHttp } from '../mcp/tasks/listen-over-http.ts';
import { createListeners, watchedIn } from '../mcp/watch-limits.ts';
import { isJson } from '../rest/read-object.ts';
import { boundEvents } from './bound-stream.ts';
import type { Route } from './http-faces.ts';
import { createLegacySessions } from './legacy-sessions.ts';
import { errorAnswer, type FaceResponse, json, jsonText, type PlainRequest, type PlainResponse } from './plain-http.ts';
import { parseBody } from './read-body.ts';
import { asRefusal } from './refusals.ts';
import { stepUp } from './step-up.ts';
import type { UnderWay } from './under-way.ts';

export interface McpEndpointOptions {
  /** Largest request body, in bytes. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Milliseconds a call may take. Default 300,000. */
  readonly callTimeoutMs?: number;
  /** Sessions of 2025-revision clients kept at most (default 1,000), and how long an idle one lives (default 300,000 ms). */
  readonly maxSessions?: number;
  readonly sessionIdleMs?: number;
  /** Streams of `subscriptions/listen` one principal may have open. Default 100. */
  readonly maxStreamsPerPrincipal?: number;
  /** Bytes that wait for the slow reader of a stream before it is cut. Default 1 MiB. */
  readonly maxSseQueueBytes?: number;
  /** Answer plain requests without the SDK (default true). Off, everything goes through the SDK: for comparing the two. */
  readonly quickCalls?: boolean;
  /**
   * Seals what a question carries while it is with the caller: 32 random bytes, the same wherever the answer may arrive. Default: random,
   * which does for one process.
   */
  readonly stateKey?: Uint8Array;
  readonly onError?: (error: unknown) => void;
}

interface McpEndpointParts extends McpEndpointOptions {
  /** Is told of streams that carry the answer to a call, and end with it. */
  readonly underWay: UnderWay;
  /** Where OAuth clients read what this hub wants. */
  readonly metadataUrl: string | undefined;
}

/** The MCP endpoint: revision 2026-07-28 without sessions, the 2025 revisions with them. */
export function createMcpEndpoint(hub: Hub, path: string, options: McpEndpointParts): Route & { close(): Promise<void> } {
  const {
    maxBodyBytes = 2 ** 20,
    callTimeoutMs = 300_000,
    maxSessions = 1_000,
    sessionIdleMs = 300_000,
    quickCalls = true,
    stateKey,
    onError = () => {},
  } = options;
  const { maxStreamsPerPrincipal = 100, maxSseQueueBytes: maxQueuedBytes = 2 ** 20, underWay, metadataUrl } = options;
  const stateCodec = createStateCodec(stateKey);
  const common = { face: 'mcp', stateCodec, jsonSchemaValidator: sharedValidator, callTimeoutMs, onError } as const;
  const createServer = (principal: Principal, { answered, onCall }: Carried) =>
    createMcpServer(hub, { ...common, principal, era: 'modern', ...(answered && { answered }), ...(onCall && { onCall }) });
  const createLegacyServer = (principal: Principal) => createMcpServer(hub, { ...common, principal, era: 'legacy' });
  const { bus, stop } = createEventBus(hub, onError);
  const modern = createMcpHandler(({ authInfo }) => createServer(principalIn(authInfo), carriedIn(authInfo)), { legacy: 'reject', bus, onerror: () => {} });
  const sessions = createLegacySessions({ hub, createServer: createLegacyServer, maxSessions, idleMs: sessionIdleMs, maxQueuedBytes, underWay });
  const listeners = createListeners({ maxStreams: maxStreamsPerPrincipal });

  const bounded = async (answer: Promise<Response>) => boundEvents(await answer, { maxQueuedBytes, onEnd: underWay.begin() });

  return {
    face: 'mcp',
    matches: (target) => target === path,
    async handle(request, principal): Promise<FaceResponse> {
      if (request.method !== 'POST') return markRefused(await sessions.handle(request.toRequest(), principal, undefined));
      if (!isJson(request.header('content-type'))) return errorAnswer(415, -31415, 'messages come as content-type application/json');
      const bytes = await request.readBody(maxBodyBytes);
      if (bytes === 'too-large') return errorAnswer(413, -31413, `the request body is larger than ${maxBodyBytes} bytes`);
      const body = parseBody(bytes);
      if (!body.ok) return errorAnswer(400, -32700, body.message);
      const tooNarrow = principal.scopes && (await stepUp(hub, { request, principal, body: body.value }, { metadataUrl, callTimeoutMs }));
      if (tooNarrow !== undefined) return tooNarrow;
      const forward = async (parsedBody: unknown, answered?: InputRequired): Promise<Response> => {
        let called = answered !== undefined;
        const onCall = () => {
          called = true;
        };
        const authInfo = authInfoOf(principal, { onCall, ...(answered && { answered }) });
        const response = await modern.fetch(request.toRequest(), { authInfo, parsedBody });
        return called ? response : markRefused(response);
      };
      const quick = quickCalls ? recogniseQuickly(hub, request, body.value) : undefined;
      if (quick !== undefined) {
        const answered = await answerQuickly(hub, quick, { principal, signal: request.gone, deadline: Date.now() + callTimeoutMs });
        return typeof answered === 'string' ? jsonText(answered) : bounded(forward(body.value, answered));
      }
      const inbound = classifyInboundRequest({
        httpMethod: request.method,
        protocolVersionHeader: request.header('mcp-protocol-version') ?? undefined,
        mcpMethodHeader: request.header('mcp-method') ?? undefined,
        body: body.value,
      } as Parameters<typeof classifyInboundRequest>[0]);
      if (inbound.kind === 'legacy') return markRefused(await sessions.handle(request.toRequest(), principal, body.value));
      const refusal = paramHeaderRefusal(hub, request, body.value);
      if (refusal !== undefined) return refusal;
      const listen = watchedIn(body.value);
      if (listen === undefined) return bounded(forward(body.value));
      const admitted = listeners.admit(principal.id, listen);
      if (typeof admitted === 'string') return limited(listen.id, admitted);
      try {
        const answer = (await listenOverHttp(hub, { principal, body: body.value, forward, onError })) ?? (await forward(body.value));
        if (answer instanceof Response) return boundEvents(answer, { maxQueuedBytes, onEnd: admitted });
        admitted();
        return answer;
      } catch (error) {
        admitted();
        throw error;
      }
    },
    async close() {
      stop();
      await Promise.allSettled([modern.close(), sessions.close()]);
    },
  };
}

const PRINCIPAL = 'meshwork.principal';
const CARRIED = 'meshwork.carried';

/** What goes with a request through the SDK's handler. */
interface Carried {
  /** The hub's answer, when the call was made already. */
  readonly answered?: InputRequired;
  /** Is told when the hub is called. */
  readonly onCall?: () => void;
}

function authInfoOf(principal: Principal, carried: Carried): AuthInfo {
  return { token: '', clientId: principal.id, scopes: [], extra: { [PRINCIPAL]: principal, [CARRIED]: carried } };
}

function principalIn(authInfo: AuthInfo | undefined): Principal {
  const principal = authInfo?.extra?.[PRINCIPAL];
  if (principal === undefined) throw new Error('a request reached the MCP handler without a principal');
  return principal as Principal;
}

function carriedIn(authInfo: AuthInfo | undefined): Carried {
  return (authInfo?.extra?.[CARRIED] as Carried | undefined) ?? {};
}

function limited(id: unknown, message: string): PlainResponse {
  return asRefusal(json({ jsonrpc: '2.0', id, error: { code: -31429, message, data: { code: 'LIMITED' } } }, 429), message);
}

function paramHeaderRefusal(hub: Hub, request: PlainRequest, body: unknown): PlainResponse | undefined {
  const { id, method, params } = body as { id?: unknown; method?: unknown; params?: { name?: unknown; arguments?: unknown } };
  if (method !== 'tools/call' || typeof params?.name !== 'string') return undefined;
  const target = hub.catalogue.find('tool', params.name);
  if (target?.kind !== 'tool') return undefined;
  const fault = findParamHeaderFault(target.tool, params.arguments, (name) => request.header(name));
  if (fault === undefined) return undefined;
  const message = `header mismatch: ${fault}`;
  return asRefusal(json({ jsonrpc: '2.0', id: id ?? null, error: { code: -32020, message } }, 400), message);
}
