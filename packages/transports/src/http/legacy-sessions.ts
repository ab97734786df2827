import type { Hub, Principal } from '@meshwork/core';
import { isInitializeRequest, type Server, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import type { DoorRecorder } from '../door-recorder.ts';
import { recordingErrors } from '../mcp/error-records.ts';
import { createHearing } from '../mcp/hearing.ts';
import { forwardEvents, type Listener, trackSubscriptions } from '../mcp/subscriptions.ts';
import { frameRecorder } from '../streams/frame-refusals.ts';
import { boundEvents } from './bound-stream.ts';
import type { Door } from './door.ts';
import { createEventBuffer } from './event-buffer.ts';
import { errorAnswer, type PlainRequest, toResponse } from './plain-http.ts';
import { asRefusal } from './refusals.ts';
import { hasSameStanding } from './same-standing.ts';
import type { UnderWay } from './under-way.ts';

export interface LegacySessionsOptions {
  readonly hub: Hub;
  readonly createServer: (principal: () => Principal) => Server;
  /** Watches a stream that stays open, until the function returned is called. */
  readonly watch: Door['watch'];
  /** Sessions kept at most; the one idle longest is closed to make room. */
  readonly maxSessions: number;
  /** Milliseconds without a request or an open stream after which a session is closed. */
  readonly idleMs: number;
  /** Bytes that may wait for the reader of a stream before it is cut. */
  readonly maxQueuedBytes: number;
  /** Is told of streams that carry answers, and end with them. */
  readonly underWay: UnderWay;
  /** Keeps a record of every message that is refused before it is a call. */
  readonly recorder: DoorRecorder | undefined;
  readonly onError: (error: unknown) => void;
}

/** The sessions of clients that speak a 2025 revision, which has them; 2026-07-28 has none. */
export interface LegacySessions {
  handle(request: PlainRequest, principal: Principal, body: unknown): Promise<Response>;
  close(): Promise<void>;
}

interface Session extends Listener {
  /** Whoever called last: the same caller every time, with a credential that may be a newer one. */
  owner: Principal;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  lastUsed: number;
  /** Where the last request came from. */
  address: string | undefined;
  /** A session with a stream open is in use, however long nothing is said on it. */
  openStreams: number;
}

export function createLegacySessions(options: LegacySessionsOptions): LegacySessions {
  const { hub, createServer, watch, maxSessions, idleMs, maxQueuedBytes, underWay, recorder, onError } = options;
  const sessions = new Map<string, Session>();

  const drop = async (id: string) => {
    const session = sessions.get(id);
    sessions.delete(id);
    await session?.server.close();
  };
  const sweep = () => {
    const cutoff = performance.now() - idleMs;
    for (const [id, session] of sessions) if (session.openStreams === 0 && session.lastUsed < cutoff) void drop(id).catch(() => {});
  };
  let sweeper: ReturnType<typeof setInterval> | undefined;
  /** Begins with the first session, and again with every other: a Worker has no timers before a request, and none outlives its request. */
  const startSweeping = () => {
    sweep();
    if (sweeper !== undefined) return;
    sweeper = setInterval(sweep, Math.min(idleMs, 30_000));
    if (typeof sweeper === 'object' && 'unref' in sweeper) sweeper.unref();
  };

  const stop = forwardEvents(hub, () => [...sessions.values()]);

  async function open(principal: Principal): Promise<Session> {
    startSweeping();
    const server = createServer(() => session.owner);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      eventStore: createEventBuffer(),
      retryInterval: 1_000,
      onsessioninitialized: async (id) => {
        await makeRoom();
        sessions.set(id, session);
      },
      onsessionclosed: (id) => void sessions.delete(id),
    });
    const session: Session = {
      ...createHearing(hub, principal),
      owner: principal,
      subscriptions: trackSubscriptions(server),
      server,
      transport,
      lastUsed: performance.now(),
      openStreams: 0,
      address: undefined,
    };
    const record = frameRecorder(recorder, () => ({ face: 'mcp', principal: principal.id, address: session.address }), onError);
    transport.send = recordingErrors(record, transport.send.bind(transport));
    await server.connect(transport);
    return session;
  }

  /** Whoever has the most makes room, so that nobody loses a session to a flood of another's. */
  async function makeRoom(): Promise<void> {
    if (sessions.size < maxSessions) return;
    const counts = new Map<string, number>();
    for (const { owner } of sessions.values()) counts.set(owner.id, (counts.get(owner.id) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const [oldest] = [...sessions].filter(([, { owner }]) => counts.get(owner.id) === most).sort(([, a], [, b]) => a.lastUsed - b.lastUsed);
    if (oldest !== undefined) await drop(oldest[0]);
  }
  const bound = (response: Response, session: Session, request: PlainRequest, principal: Principal): Response => {
    const isStanding = request.method === 'GET';
    let unwatch = () => {};
    session.openStreams += 1;
    const ended = isStanding ? undefined : underWay.begin();
    return boundEvents(response, {
      maxQueuedBytes,
      // The protocol has no word for it: the client comes back for its stream, and hears at the door what is wrong.
      ending(end) {
        if (isStanding) unwatch = watch({ request, principal, onEnd: () => end() });
      },
      onEnd(how) {
        unwatch();
        ended?.();
        session.openStreams -= 1;
        session.lastUsed = performance.now();
        // Whoever does not read what it asked to be told loses more than the stream: its session would go on to fill.
        if (how === 'cut' && isStanding) void drop(session.transport.sessionId ?? '').catch(() => {});
      },
    });
  };

  return {
    async handle(request, principal, body) {
      const id = request.header('mcp-session-id');
      let session = id === null ? undefined : sessions.get(id);
      // Somebody else's session is answered as one that does not exist.
      if (id !== null && (session === undefined || !hasSameStanding(session.owner, principal)))
        return refusal(404, -32001, 'there is no such session; initialize again');
      if (session === undefined) {
        const initializes = request.method === 'POST' && (Array.isArray(body) ? body : [body]).some(isInitializeRequest);
        if (!initializes) return refusal(400, -32000, 'no session: send initialize first, or speak revision 2026-07-28, which needs none');
        session = await open(principal);
      }
      session.owner = principal;
      session.lastUsed = performance.now();
      session.address = request.facts.remoteAddress;
      const response = await session.transport.handleRequest(request.toRequest(), body === undefined ? {} : { parsedBody: body });
      return bound(response, session, request, principal);
    },
    async close() {
      clearInterval(sweeper);
      stop();
      await Promise.allSettled([...sessions.keys()].map(drop));
    },
  };
}

function refusal(status: number, code: number, message: string): Response {
  return asRefusal(toResponse(errorAnswer(status, code, message)), message);
}
