import type { Hub, Principal } from '@meshwork/core';
import { isInitializeRequest, type Server, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { forwardEvents, trackSubscriptions } from '../mcp/subscriptions.ts';
import { boundEvents } from './bound-stream.ts';
import { createEventBuffer } from './event-buffer.ts';
import { errorAnswer, toResponse } from './plain-http.ts';
import { asRefusal } from './refusals.ts';
import { hasSameStanding } from './same-standing.ts';
import type { UnderWay } from './under-way.ts';

export interface LegacySessionsOptions {
  readonly hub: Hub;
  readonly createServer: (principal: Principal) => Server;
  /** Sessions kept at most; the one idle longest is closed to make room. */
  readonly maxSessions: number;
  /** Milliseconds without a request or an open stream after which a session is closed. */
  readonly idleMs: number;
  /** Bytes that may wait for the reader of a stream before it is cut. */
  readonly maxQueuedBytes: number;
  /** Is told of streams that carry answers, and end with them. */
  readonly underWay: UnderWay;
}

/** The sessions of clients that speak a 2025 revision, which has them; 2026-07-28 has none. */
export interface LegacySessions {
  handle(request: Request, principal: Principal, body: unknown): Promise<Response>;
  close(): Promise<void>;
}

interface Session {
  readonly owner: Principal;
  readonly server: Server;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  lastUsed: number;
  /** A session with a stream open is in use, however long nothing is said on it. */
  openStreams: number;
}

export function createLegacySessions({ hub, createServer, maxSessions, idleMs, maxQueuedBytes, underWay }: LegacySessionsOptions): LegacySessions {
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

  const subscriptionsOf = new WeakMap<Server, ReadonlySet<string>>();
  const stop = forwardEvents(
    hub,
    () => [...sessions.values()].map(({ server }) => server),
    (server, uri) => subscriptionsOf.get(server)?.has(uri) ?? false,
  );

  async function open(principal: Principal): Promise<Session> {
    startSweeping();
    const server = createServer(principal);
    subscriptionsOf.set(server, trackSubscriptions(server));
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
    const session: Session = { owner: principal, server, transport, lastUsed: performance.now(), openStreams: 0 };
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
  const bound = (response: Response, session: Session, isStanding: boolean): Response => {
    session.openStreams += 1;
    const ended = isStanding ? undefined : underWay.begin();
    return boundEvents(response, {
      maxQueuedBytes,
      onEnd(how) {
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
      const id = request.headers.get('mcp-session-id');
      let session = id === null ? undefined : sessions.get(id);
      // Somebody else's session is answered as one that does not exist.
      if (id !== null && (session === undefined || !hasSameStanding(session.owner, principal)))
        return refusal(404, -32001, 'there is no such session; initialize again');
      if (session === undefined) {
        const initializes = request.method === 'POST' && (Array.isArray(body) ? body : [body]).some(isInitializeRequest);
        if (!initializes) return refusal(400, -32000, 'no session: send initialize first, or speak revision 2026-07-28, which needs none');
        session = await open(principal);
      }
      session.lastUsed = performance.now();
      const response = await session.transport.handleRequest(request, body === undefined ? {} : { parsedBody: body });
      return bound(response, session, request.method === 'GET');
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
