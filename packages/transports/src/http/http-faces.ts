import type { Hub, Principal } from '@meshwork/core';
import type { DoorRecorder } from '../door-recorder.ts';
import type { Presence } from '../presence.ts';
import { createRestRoute } from '../rest/rest-route.ts';
import type { TrafficFace, TrafficMeter } from '../traffic-meter.ts';
import { createClosingHub } from './closing-hub.ts';
import { createDoor, type DoorOptions } from './door.ts';
import { createMcpEndpoint, type McpEndpointOptions } from './mcp-endpoint.ts';
import { errorAnswer, type FaceResponse, type PlainRequest, type PlainResponse } from './plain-http.ts';
import { recordAnswer, type Visit } from './record-answer.ts';
import { refuseEncoded } from './request-caps.ts';
import { seesNothing } from './sees-nothing.ts';
import { createSseEndpoint, type SseEndpointOptions } from './sse-endpoint.ts';
import { createUnderWay } from './under-way.ts';

export interface HttpFacesOptions extends DoorOptions, McpEndpointOptions, SseEndpointOptions {
  /** Path of the MCP endpoint. Default `/mcp`. */
  readonly path?: string;
  /** Counts requests, answers and open streams. */
  readonly meter?: TrafficMeter;
  /** Keeps who is connected. */
  readonly presence?: Presence;
  /** Keeps a record of every request that is refused before it is a call. */
  readonly recorder?: DoorRecorder;
  /** Aborted when the application begins to close: `/health` says so from then on. */
  readonly closing?: AbortSignal;
  /** Milliseconds `close` waits for calls under way; those that take longer are cancelled, and their callers told. Default 5,000. */
  readonly closeGraceMs?: number;
  /** Called with what went wrong, for the operator's log. */
  readonly onError?: (error: unknown) => void;
}

/** One face, at the paths it has. */
export interface Route {
  readonly face: TrafficFace;
  matches(path: string): boolean;
  handle(request: PlainRequest, principal: Principal): FaceResponse | Promise<FaceResponse>;
  /** What a caller without a known key gets, given what the door would say. Default: just that. */
  handleStranger?(request: PlainRequest, refusal: PlainResponse): FaceResponse;
}

/** Milliseconds the answers to calls that have ended may take to be made, before open streams are closed. */
const ANSWER_MS = 1_000;

/** Every HTTP face of a hub behind one door. */
export interface HttpFaces {
  handle(request: PlainRequest): Promise<FaceResponse>;
  /** Sends an event to every open HTTP+SSE stream; returns to how many. @throws {TypeError} when the name is MCP's own or not a plain word. */
  broadcast(event: string, data: unknown): number;
  close(): Promise<void>;
}

/** Host, Origin and credential are checked before anything is parsed or a call exists; then the path decides which face answers. */
export function createHttpFaces(hub: Hub, options: HttpFacesOptions): HttpFaces {
  const { path = '/mcp', meter, presence, recorder, closing, closeGraceMs = 5_000, onError = () => {} } = options;
  const door = createDoor(options, (principal) => seesNothing(hub, principal));
  const counted = createClosingHub(hub);
  const underWay = createUnderWay();
  const { protectedResource } = door;
  const metadataUrl = protectedResource?.metadataUrl;
  const endpoint = createMcpEndpoint(counted.hub, path, { ...options, underWay, watch: door.watch, metadataUrl });
  const sse = createSseEndpoint(counted.hub, { ...options, watch: door.watch });
  let isClosing = false;
  const routes: readonly Route[] = [
    endpoint,
    sse,
    createRestRoute(counted.hub, { ...options, metadataUrl, isClosing: () => isClosing || closing?.aborted === true }),
  ];

  const answer = async (request: PlainRequest, visit: Visit): Promise<FaceResponse> => {
    // For everybody, pages of any Origin too: a client that has no token yet reads there where to get one.
    const metadata = protectedResource?.answer(request);
    if (metadata !== undefined) return metadata;
    const refusal = door.refuseStrangers(request);
    if (refusal !== undefined) return refusal;
    const route = routes.find((each) => each.matches(request.path));
    if (route === undefined) return errorAnswer(404, -31404, `there is nothing here; the endpoint is ${path}`);
    if (request.method === 'OPTIONS') return { status: 204, headers: {}, body: '' };
    visit.face = route.face;
    return meter === undefined ? enter(route, request, visit) : metered(meter, route.face, () => enter(route, request, visit));
  };
  const enter = async (route: Route, request: PlainRequest, visit: Visit): Promise<FaceResponse> => {
    const admitted = await door.admit(request);
    if ('status' in admitted) return route.handleStranger?.(request, admitted) ?? admitted;
    visit.principal = admitted.id;
    presence?.seen(admitted, route.face);
    return refuseEncoded(request) ?? route.handle(request, admitted);
  };

  return {
    async handle(request) {
      const ended = underWay.begin();
      const visit: Visit = {};
      let response: FaceResponse;
      try {
        response = await answer(request, visit);
      } catch (error) {
        onError(error);
        response = isBrokenOff(error)
          ? errorAnswer(400, -31400, 'the request broke off before its end')
          : errorAnswer(500, -32603, 'the hub failed; its log says why');
      } finally {
        ended();
      }
      if (recorder !== undefined) response = await recordAnswer(response, request, visit, { recorder, door, onError });
      if (request.header('origin') === null) return response;
      if (response instanceof Response) return door.withCors(response, request);
      return { ...response, headers: { ...response.headers, ...door.corsHeaders(request) } };
    },
    broadcast: sse.broadcast,
    async close() {
      isClosing = true;
      await counted.close(closeGraceMs);
      // Calls have ended; their answers are being made, and some of them are streams.
      await new Promise((resolve) => setTimeout(resolve));
      await underWay.idle(ANSWER_MS);
      door.close();
      await Promise.all([endpoint.close(), sse.close()]);
    },
  };
}

/** What Node says of a body whose connection has gone or whose framing is wrong. */
function isBrokenOff(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ECONNRESET';
}

/** An answer without content carries no message. */
async function metered(meter: TrafficMeter, face: TrafficFace, handle: () => Promise<FaceResponse>): Promise<FaceResponse> {
  meter.messageReceived(face);
  try {
    const response = await handle();
    if (response.status >= 400) meter.messageFailed(face);
    else if (response.status !== 202 && response.status !== 204) meter.messageSent(face);
    return response;
  } catch (error) {
    meter.messageFailed(face);
    throw error;
  }
}
