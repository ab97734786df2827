import type { Hub, InputRequired, Principal } from '@meshwork/core';
import { type AuthInfo, classifyInboundRequest, createMcpHandler, type McpHttpHandler, type ServerEventBus } from '@modelcontextprotocol/server';
import type { DoorRecorder } from '../door-recorder.ts';
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
import type { Door } from './door.ts';
import type { Route } from './http-faces.ts';
import { createLegacySessions } from './legacy-sessions.ts';
import { errorAnswer, type FaceResponse, json, jsonText, type PlainRequest, type PlainResponse } from './plain-http.ts';
import { type JsonCaps, parseBody } from './read-body.ts';
import { asRefusal } from './refusals.ts';
import { endedBecause } from './standings.ts';
import { stepUp } from './step-up.ts';
import type { UnderWay } from './under-way.ts';

export interface McpEndpointOptions extends JsonCaps {
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
  readonly recorder?: DoorRecorder;
  /** Is told of streams that carry the answer to a call, and end with it. */
  readonly underWay: UnderWay;
  /** Watches a stream that stays open, until the function returned is called. */
  readonly watch: Door['watch'];
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
  const { jsonLimits, maxStreamsPerPrincipal = 100, maxSseQueueBytes: maxQueuedBytes = 2 ** 20, underWay, watch, metadataUrl, recorder } = options;
  const stateCodec = createStateCodec(stateKey);
  const common = { face: 'mcp', stateCodec, jsonSchemaValidator: sharedValidator, callTimeoutMs, onError } as const;
  const createServer = (principal: Principal, { answered, onCall }: Carried) =>
    createMcpServer(hub, { ...common, principal, era: 'modern', ...(answered && { answered }), ...(onCall && { onCall }) });
  const createLegacyServer = (principalOf: () => Principal) =>
    createMcpServer(hub, {
      ...common,
      get principal() {
        return principalOf();
      },
      era: 'legacy',
    });
  const { busOf, stop } = createEventBus(hub, onError);
  const createHandler = (bus?: ServerEventBus) =>
    createMcpHandler(({ authInfo }) => createServer(principalIn(authInfo), carriedIn(authInfo)), { legacy: 'reject', onerror: () => {}, ...(bus && { bus }) });
  const modern = createHandler();
  /** Each stream of `subscriptions/listen` has a handler of its own, for what its reader may hear of is its own matter. */
  const listening = new Set<McpHttpHandler>();
  const sessions = createLegacySessions({
    hub,
    createServer: createLegacyServer,
    watch,
    maxSessions,
    idleMs: sessionIdleMs,
    maxQueuedBytes,
    underWay,
    recorder,
    onError,
  });
  const listeners = createListeners({ maxStreams: maxStreamsPerPrincipal });

  /** A stream that goes on until its reader or its credential has gone; in the latter case its request is answered with why. */
  const lasting = (answer: Response, reader: Reader, onEnd: () => void) => {
    const { request, principal, id } = reader;
    let unwatch = () => {};
    return boundEvents(answer, {
      maxQueuedBytes,
      ending(end) {
        unwatch = watch({
          request,
          principal,
          onEnd: (why) => end(lastWords(id, endedBecause[why])),
          onChange(now) {
            reader.principal = now;
          },
        });
      },
      onEnd() {
        unwatch();
        onEnd();
      },
    });
  };
  const bounded = async (answer: Promise<Response>) => boundEvents(await answer, { maxQueuedBytes, onEnd: underWay.begin() });

  return {
    face: 'mcp',
    matches: (target) => target === path,
    async handle(request, principal): Promise<FaceResponse> {
      if (request.method !== 'POST') return markRefused(await sessions.handle(request, principal, undefined));
      if (!isJson(request.header('content-type'))) return errorAnswer(415, -31415, 'messages come as content-type application/json');
      const bytes = await request.readBody(maxBodyBytes);
      if (bytes === 'too-large') return errorAnswer(413, -31413, `the request body is larger than ${maxBodyBytes} bytes`);
      const body = parseBody(bytes, jsonLimits);
      if (!body.ok) return errorAnswer(400, -32700, body.message);
      const tooNarrow = principal.scopes && (await stepUp(hub, { request, principal, body: body.value }, { metadataUrl, callTimeoutMs }));
      if (tooNarrow !== undefined) return tooNarrow;
      const forward = async (parsedBody: unknown, answered?: InputRequired, handler = modern): Promise<Response> => {
        let called = answered !== undefined;
        const onCall = () => {
          called = true;
        };
        const authInfo = authInfoOf(principal, { onCall, ...(answered && { answered }) });
        const response = await handler.fetch(request.toRequest(), { authInfo, parsedBody });
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
      if (inbound.kind === 'legacy') return markRefused(await sessions.handle(request, principal, body.value));
      const refusal = paramHeaderRefusal(hub, request, body.value);
      if (refusal !== undefined) return refusal;
      const listen = watchedIn(body.value);
      if (listen === undefined) return bounded(forward(body.value));
      if (listening.size >= MAX_LISTENING) return errorAnswer(503, -31503, 'too many streams are open; try again later', { 'retry-after': '30' });
      const admitted = listeners.admit(principal.id, listen);
      if (typeof admitted === 'string') return limited(listen.id, admitted);
      const reader: Reader = { request, principal, id: listen.id };
      const handler = createHandler(busOf(() => reader.principal));
      listening.add(handler);
      const onEnd = () => {
        listening.delete(handler);
        admitted();
      };
      try {
        const listened = (parsedBody: unknown) => forward(parsedBody, undefined, handler);
        const answer = (await listenOverHttp(hub, { principal, body: body.value, forward: listened, onError })) ?? (await listened(body.value));
        if (answer instanceof Response) return lasting(answer, reader, onEnd);
        onEnd();
        return answer;
      } catch (error) {
        onEnd();
        throw error;
      }
    },
    async close() {
      stop();
      await Promise.allSettled([modern.close(), ...[...listening].map((handler) => handler.close()), sessions.close()]);
    },
  };
}

/** Streams of `subscriptions/listen` open at once, as the SDK would have it. */
const MAX_LISTENING = 1_024;

/** Who reads the stream of a `subscriptions/listen` request. */
interface Reader {
  readonly request: PlainRequest;
  principal: Principal;
  /** Of the request's message. */
  readonly id: unknown;
}

/** The answer that ends a subscription early, as an event. */
function lastWords(id: unknown, message: string): Uint8Array {
  const answer = JSON.stringify({ jsonrpc: '2.0', id, error: { code: -31401, message, data: { code: 'UNAUTHENTICATED' } } });
  return new TextEncoder().encode(`event: message\ndata: ${answer}\n\n`);
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
  const { id, method, params } = (body ?? {}) as { id?: unknown; method?: unknown; params?: { name?: unknown; arguments?: unknown } };
  if (method !== 'tools/call' || typeof params?.name !== 'string') return undefined;
  const target = hub.catalogue.find('tool', params.name);
  if (target?.kind !== 'tool') return undefined;
  const fault = findParamHeaderFault(target.tool, params.arguments, (name) => request.header(name));
  if (fault === undefined) return undefined;
  const message = `header mismatch: ${fault}`;
  return asRefusal(json({ jsonrpc: '2.0', id: id ?? null, error: { code: -32020, message } }, 400), message);
}
