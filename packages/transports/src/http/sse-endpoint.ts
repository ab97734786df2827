import type { Hub, Principal } from '@meshwork/core';
import { type JSONRPCMessage, parseJSONRPCMessage, type Transport } from '@modelcontextprotocol/server';
import type { DoorRecorder } from '../door-recorder.ts';
import { recordingErrors } from '../mcp/error-records.ts';
import { createHearing } from '../mcp/hearing.ts';
import { createMcpServer } from '../mcp/mcp-server.ts';
import { sharedValidator } from '../mcp/shared-validator.ts';
import { createStateCodec } from '../mcp/state-codec.ts';
import { forwardEvents, type Listener, trackSubscriptions } from '../mcp/subscriptions.ts';
import type { Presence } from '../presence.ts';
import { isJson } from '../rest/read-object.ts';
import { frameRecorder } from '../streams/frame-refusals.ts';
import type { TrafficMeter } from '../traffic-meter.ts';
import type { Door } from './door.ts';
import type { Route } from './http-faces.ts';
import { errorAnswer, type FaceResponse, type PlainRequest } from './plain-http.ts';
import { type JsonCaps, parseBody } from './read-body.ts';
import { hasSameStanding } from './same-standing.ts';
import { createSseStream, type SseStream } from './sse-stream.ts';

export interface SseEndpointOptions {
  /** HTTP+SSE streams open at most; who comes after them is told to come back later. Default 1,000. */
  readonly maxSseStreams?: number;
  /** And those of one principal; who opens more is told to end one first. Default 100. */
  readonly maxStreamsPerPrincipal?: number;
  /** Bytes that wait for the slow reader of a stream before it is cut. Default 1 MiB. */
  readonly maxSseQueueBytes?: number;
  /** Milliseconds between the comments that keep a stream alive. Default 15,000. */
  readonly sseHeartbeatMs?: number;
  /** Milliseconds without a message either way after which a stream is closed. Default 3,600,000. */
  readonly sseIdleMs?: number;
}

interface SseEndpointParts extends SseEndpointOptions, JsonCaps {
  readonly recorder?: DoorRecorder;
  /** Watches a stream that stays open, until the function returned is called. */
  readonly watch: Door['watch'];
  readonly stateKey?: Uint8Array;
  readonly maxBodyBytes?: number;
  readonly callTimeoutMs?: number;
  readonly meter?: TrafficMeter;
  readonly presence?: Presence;
  readonly onError?: (error: unknown) => void;
}

/** HTTP+SSE, the transport of revision 2024-11-05: a stream from the hub, and posts to it. */
export interface SseEndpoint extends Route {
  broadcast(event: string, data: unknown): number;
  close(): Promise<void>;
}

const STREAM = '/sse';
const MESSAGES = '/sse/messages';

interface Session extends Listener {
  /** Whoever spoke last: the same caller every time, with a credential that may be a newer one. */
  owner: Principal;
  readonly stream: SseStream;
  readonly transport: Transport;
  lastUsed: number;
}

export function createSseEndpoint(hub: Hub, options: SseEndpointParts): SseEndpoint {
  const { maxBodyBytes = 2 ** 20, callTimeoutMs = 300_000, watch, meter, presence, recorder, onError = () => {} } = options;
  const { maxSseStreams = 1_000, maxStreamsPerPrincipal = 100, maxSseQueueBytes = 2 ** 20, sseHeartbeatMs = 15_000, sseIdleMs = 3_600_000 } = options;
  const stateCodec = createStateCodec(options.stateKey);
  const sessions = new Map<string, Session>();
  let heart: ReturnType<typeof setInterval> | undefined;
  let closed = false;

  const stop = forwardEvents(hub, () => [...sessions.values()]);
  const beat = () => {
    const cutoff = performance.now() - sseIdleMs;
    for (const { stream, lastUsed } of [...sessions.values()])
      if (lastUsed < cutoff) stream.close();
      else stream.beat();
  };

  async function open(request: PlainRequest, principal: Principal): Promise<Response> {
    const id = crypto.randomUUID();
    const disconnected = [meter?.connectionOpened('sse'), presence?.opened(principal, 'sse')];
    const stream = createSseStream({
      maxQueuedBytes: maxSseQueueBytes,
      onEnd() {
        unwatch();
        sessions.delete(id);
        if (sessions.size === 0) clearInterval(heart);
        for (const each of disconnected) each?.();
        // What the client still waited for is cancelled with it.
        transport.onclose?.();
      },
    });
    const record = frameRecorder(recorder, () => ({ face: 'sse', principal: principal.id, address: request.facts.remoteAddress }), onError);
    // Events have no word for it: the client connects again, and hears at the door what is wrong.
    const unwatch = watch({ request, principal, onEnd: stream.close });
    const transport: Transport = {
      sessionId: id,
      start: async () => {},
      send: recordingErrors(record, async (message) => {
        session.lastUsed = performance.now();
        if (!stream.send('message', JSON.stringify(message))) {
          meter?.messageFailed('sse');
          throw new Error('the stream has ended');
        }
        meter?.messageSent('sse');
      }),
      close: async () => stream.close(),
    };
    const server = createMcpServer(hub, {
      get principal() {
        return session.owner;
      },
      face: 'mcp',
      era: 'legacy',
      stateCodec,
      jsonSchemaValidator: sharedValidator,
      callTimeoutMs,
      onError,
    });
    const session: Session = {
      ...createHearing(hub, principal),
      owner: principal,
      subscriptions: trackSubscriptions(server),
      stream,
      server,
      transport,
      lastUsed: performance.now(),
    };
    sessions.set(id, session);
    if (sessions.size === 1) heart = startBeating(beat, sseHeartbeatMs);
    await server.connect(transport);
    stream.send('endpoint', `${MESSAGES}?session=${id}`);
    return new Response(stream.body, { headers: STREAM_HEADERS });
  }

  async function take(request: PlainRequest, principal: Principal): Promise<FaceResponse> {
    const bytes = await request.readBody(maxBodyBytes);
    if (bytes === 'too-large') return errorAnswer(413, -31413, `the request body is larger than ${maxBodyBytes} bytes`);
    const asked = request.query.getAll('session');
    const session = asked.length === 1 ? sessions.get(asked[0] ?? '') : undefined;
    // Somebody else's stream is answered as one that does not exist.
    if (session === undefined || !hasSameStanding(session.owner, principal))
      return errorAnswer(404, -32001, `there is no such stream; open one with GET ${STREAM}`);
    if (!isJson(request.header('content-type'))) return errorAnswer(415, -31415, 'messages come as content-type application/json');
    const message = parseMessage(bytes, options.jsonLimits);
    if (typeof message === 'string') return errorAnswer(400, -32700, message);
    session.owner = principal;
    session.lastUsed = performance.now();
    session.transport.onmessage?.(message);
    return { status: 202, headers: {}, body: '' };
  }

  return {
    face: 'sse',
    matches: (path) => path === STREAM || path === MESSAGES,
    handle(request, principal) {
      const { path, method } = request;
      if (path === MESSAGES) return method === 'POST' ? take(request, principal) : refuseMethod('POST, OPTIONS');
      if (method === 'HEAD') return new Response(null, { headers: STREAM_HEADERS });
      if (method !== 'GET') return refuseMethod('GET, HEAD, OPTIONS');
      if (closed) return errorAnswer(503, -31503, 'the hub is closing');
      if (sessions.size >= maxSseStreams) return errorAnswer(503, -31503, 'too many streams are open; try again later', { 'retry-after': '30' });
      let own = 0;
      for (const { owner } of sessions.values()) if (owner.id === principal.id) own += 1;
      if (own >= maxStreamsPerPrincipal) return errorAnswer(429, -31429, `you have ${own} streams open already; end one first`);
      return open(request, principal);
    },
    broadcast(event, data) {
      if (!/^[A-Za-z0-9_.:-]{1,64}$/.test(event) || RESERVED.has(event))
        throw new TypeError(
          `an event cannot be named ${JSON.stringify(event)}: 1 to 64 characters of A-Z a-z 0-9 _ . : -, and not ${[...RESERVED].join(', ')}`,
        );
      const text = JSON.stringify(data ?? null);
      let reached = 0;
      for (const session of [...sessions.values()]) {
        const sent = session.stream.send(event, text);
        if (sent) {
          reached += 1;
          session.lastUsed = performance.now();
          meter?.messageSent('sse');
        } else meter?.messageFailed('sse');
      }
      return reached;
    },
    async close() {
      closed = true;
      stop();
      for (const { stream } of [...sessions.values()]) stream.close();
    },
  };
}

/** Names with a meaning of their own in the transport or in `EventSource`. */
const RESERVED = new Set(['message', 'endpoint', 'open', 'error']);

const STREAM_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' };

function startBeating(beat: () => void, everyMs: number): ReturnType<typeof setInterval> {
  const timer = setInterval(beat, everyMs);
  if (typeof timer === 'object' && 'unref' in timer) timer.unref();
  return timer;
}

/** One message, or what is wrong with it. */
function parseMessage(bytes: Uint8Array, jsonLimits: JsonCaps['jsonLimits']): JSONRPCMessage | string {
  const body = parseBody(bytes, jsonLimits);
  if (!body.ok) return body.message;
  try {
    return parseJSONRPCMessage(body.value);
  } catch {
    return 'the body is not one JSON-RPC message';
  }
}

function refuseMethod(allow: string): FaceResponse {
  return errorAnswer(405, -31405, `there is ${allow} here`, { allow });
}
