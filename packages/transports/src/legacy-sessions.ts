import type { Hub, Principal } from '@meshwork/core';
import { isInitializeRequest, type Server, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { createEventBuffer } from './event-buffer.ts';
import { errorResponse } from './json-rpc-response.ts';
import { forwardEvents, trackSubscriptions } from './subscriptions.ts';

export interface LegacySessionsOptions {
  readonly hub: Hub;
  readonly createServer: (principal: Principal) => Server;
  /** Sessions kept at most; the one idle longest is closed to make room. */
  readonly maxSessions: number;
  /** Milliseconds without a request or an open stream after which a session is closed. */
  readonly idleMs: number;
}

/** The sessions of clients that speak a 2025 revision, which has them; 2026-07-28 has none. */
export interface LegacySessions {
  handle(request: Request, principal: Principal, body: unknown): Promise<Response>;
  close(): Promise<void>;
}

interface Session {
  readonly owner: string;
  readonly server: Server;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  lastUsed: number;
  openStreams: number;
}

export function createLegacySessions({ hub, createServer, maxSessions, idleMs }: LegacySessionsOptions): LegacySessions {
  const sessions = new Map<string, Session>();

  const drop = async (id: string) => {
    const session = sessions.get(id);
    sessions.delete(id);
    await session?.server.close();
  };
  const sweep = setInterval(
    () => {
      const cutoff = performance.now() - idleMs;
      for (const [id, session] of sessions) if (session.openStreams === 0 && session.lastUsed < cutoff) void drop(id).catch(() => {});
    },
    Math.min(idleMs, 30_000),
  );
  if (typeof sweep === 'object' && 'unref' in sweep) sweep.unref();

  const subscriptionsOf = new WeakMap<Server, ReadonlySet<string>>();
  const stop = forwardEvents(
    hub,
    () => [...sessions.values()].map(({ server }) => server),
    (server, uri) => subscriptionsOf.get(server)?.has(uri) ?? false,
  );

  async function open(principal: Principal): Promise<Session> {
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
    const session: Session = { owner: principal.id, server, transport, lastUsed: performance.now(), openStreams: 0 };
    await server.connect(transport);
    return session;
  }

  async function makeRoom(): Promise<void> {
    if (sessions.size < maxSessions) return;
    const [oldest] = [...sessions].sort(([, a], [, b]) => a.lastUsed - b.lastUsed);
    if (oldest !== undefined) await drop(oldest[0]);
  }

  return {
    async handle(request, principal, body) {
      const id = request.headers.get('mcp-session-id');
      let session = id === null ? undefined : sessions.get(id);
      // Somebody else's session is answered as one that does not exist.
      if (id !== null && session?.owner !== principal.id) return errorResponse(404, -32001, 'there is no such session; initialize again');
      if (session === undefined) {
        const initializes = request.method === 'POST' && (Array.isArray(body) ? body : [body]).some(isInitializeRequest);
        if (!initializes) return errorResponse(400, -32000, 'no session: send initialize first, or speak revision 2026-07-28, which needs none');
        session = await open(principal);
      }
      session.lastUsed = performance.now();
      const response = await session.transport.handleRequest(request, body === undefined ? {} : { parsedBody: body });
      return countStream(response, session);
    },
    async close() {
      clearInterval(sweep);
      stop();
      await Promise.allSettled([...sessions.keys()].map(drop));
    },
  };
}

/** A session with a stream open is in use, however long nothing is said on it. */
function countStream(response: Response, session: Session): Response {
  if (response.body === null || !response.headers.get('content-type')?.includes('text/event-stream')) return response;
  session.openStreams += 1;
  let counted = true;
  const done = () => {
    if (counted) session.openStreams -= 1;
    counted = false;
    session.lastUsed = performance.now();
  };
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done: ended, value } = await reader.read();
        if (!ended) return controller.enqueue(value);
        done();
        controller.close();
      } catch (error) {
        done();
        controller.error(error);
      }
    },
    cancel(reason) {
      done();
      return reader.cancel(reason);
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
}
