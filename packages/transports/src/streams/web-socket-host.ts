import { randomBytes } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Hub, Principal } from '@meshwork/core';
import { type WebSocket, WebSocketServer } from 'ws';
import type { DoorRecorder } from '../door-recorder.ts';
import { createCallers } from '../http/callers.ts';
import { createDoor, type DoorOptions } from '../http/door.ts';
import { NodeRequest } from '../http/node-http.ts';
import { errorAnswer, type PlainRequest, type PlainResponse } from '../http/plain-http.ts';
import { recordAnswer } from '../http/record-answer.ts';
import { seesNothing } from '../http/sees-nothing.ts';
import { endedBecause } from '../http/standings.ts';
import { createFanOut } from '../mcp/fan-out.ts';
import { createStateCodec } from '../mcp/state-codec.ts';
import type { Presence } from '../presence.ts';
import type { TrafficMeter } from '../traffic-meter.ts';
import { closeCodes } from './close-codes.ts';
import { frameRecorder } from './frame-refusals.ts';
import { type OfferedProtocols, readOfferedProtocols } from './offered-protocols.ts';
import { createPlainWire } from './plain-wire.ts';
import { createResumableWire, type ResumableWire } from './resumable-wire.ts';
import { type ConnectionLimits, type ServedTransport, serveTransport } from './serve-transport.ts';
import { createServerSocket, type ServerSocket } from './server-socket.ts';

export interface WebSocketOptions extends ConnectionLimits {
  /** Largest message, in bytes. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Bytes that may wait for a slow reader before it is cut off. Default 4 MiB. */
  readonly maxQueuedBytes?: number;
  /** Milliseconds after which a reader that takes nothing is cut off. Default 30,000. */
  readonly stallMs?: number;
  /** Connections at once, over all and of one principal. Default 10,000 and 100. */
  readonly maxConnections?: number;
  readonly maxConnectionsPerPrincipal?: number;
  /** Milliseconds between pings; a client that has not answered one by the next is dropped. Default 30,000. */
  readonly heartbeatMs?: number;
  /** Milliseconds within which each connection's key is looked up again. Default 15,000. */
  readonly reauthenticateMs?: number;
  /** Milliseconds a resumable session waits for its client to come back. Default 30,000. */
  readonly resumeMs?: number;
  /** Frames a resumable session keeps until they are acknowledged. Default 65,536. */
  readonly maxKeptFrames?: number;
  /** Milliseconds `close` waits for calls under way. Default 5,000. */
  readonly closeGraceMs?: number;
}

export interface WebSocketHostOptions extends WebSocketOptions, DoorOptions {
  /** Path of the endpoint. Default `/mcp`. */
  readonly path?: string;
  /** Counts connections and messages. */
  readonly meter?: TrafficMeter;
  /** Keeps who is connected. */
  readonly presence?: Presence;
  /** Keeps a record of every upgrade and frame that is refused before it is a call. */
  readonly recorder?: DoorRecorder;
  readonly onError?: (error: unknown) => void;
}

/** Turns upgrade requests of a Node server into connections to a hub. */
export interface WebSocketHost {
  /** To be called with each `upgrade` event of the server. */
  upgrade(incoming: IncomingMessage, stream: Duplex, head: Buffer): void;
  close(): Promise<void>;
}

/** One connection, with or without a socket just now. */
interface Connection {
  principal: Principal;
  /** What the client showed at the door, to be looked up again. */
  request: PlainRequest;
  socket: ServerSocket;
  readonly resumable: ResumableWire | undefined;
  readonly served: ServedTransport;
  /** Ends the watch on its credential. */
  unwatch: () => void;
  /** Takes back what was counted and said of it. */
  onForget?: () => void;
}

/** Somebody who may come in. */
interface Admitted {
  readonly principal: Principal;
  readonly request: PlainRequest;
}

/** Milliseconds an upgrade has beyond those of the door, which answers that it cannot find out who it is: for the record of that. */
const ANSWER_MS = 15_000;

export function createWebSocketHost(hub: Hub, options: WebSocketHostOptions): WebSocketHost {
  const { path = '/mcp', maxMessageBytes = 2 ** 20, maxQueuedBytes = 4 * 2 ** 20, stallMs = 30_000, onError = () => {} } = options;
  const { maxConnections = 10_000, maxConnectionsPerPrincipal = 100, maxKeptFrames = 65_536, resumeMs = 30_000, closeGraceMs = 5_000 } = options;
  const { heartbeatMs = 30_000, meter, presence, recorder, log, jsonLimits, admissionMs = 10_000 } = options;
  const door = createDoor(options, (principal) => seesNothing(hub, principal));
  const callers = createCallers(options);
  const fanOut = createFanOut(hub, onError);
  const stateCodec = createStateCodec();
  const connections = new Set<Connection>();
  const sessions = new Map<string, Connection>();
  const perPrincipal = new Map<string, number>();
  let arriving = 0;
  let closing = false;
  let graceUntil = 0;
  /** A hub that closes lets readers take their last answers; who is cut for another reason has had its time. */
  const lingerMs = () => Math.max(0, graceUntil - performance.now());

  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    autoPong: false,
    perMessageDeflate: false, // A small frame may inflate to a large one.
    maxPayload: maxMessageBytes,
    handleProtocols: (offered) => (offered.has('mcp.resume') ? 'mcp.resume' : 'mcp'),
  });

  const refusalOf = (request: PlainRequest, offered: OfferedProtocols): PlainResponse | undefined => {
    if (closing) return errorAnswer(503, -31503, 'the hub is closing; try again when it is back');
    const stranger = door.refuseStrangers(request);
    if (stranger !== undefined) return stranger;
    if (request.path !== path) return errorAnswer(404, -31404, `there is nothing here; the endpoint is ${path}`);
    if (request.header('upgrade')?.toLowerCase() !== 'websocket') return errorAnswer(426, -31426, 'the only upgrade here is to websocket');
    if (offered.any && offered.agreed === undefined) return errorAnswer(400, -31400, 'offer the subprotocol mcp or mcp.resume too');
    return undefined;
  };
  const failed = (error: unknown): PlainResponse => {
    onError(error);
    return errorAnswer(500, -32603, 'the hub failed; its log says why');
  };
  const admit = async (incoming: IncomingMessage, stream: Duplex): Promise<Admitted | PlainResponse> => {
    const plain = new NodeRequest(incoming, stream, callers);
    const offered = readOfferedProtocols(plain.header('sec-websocket-protocol'));
    const request = withKey(plain, offered.key);
    const admitted = refusalOf(request, offered) ?? (await door.admit(request).catch(failed));
    return 'status' in admitted ? recordAnswer(admitted, request, { face: 'ws' }, { recorder, door, onError }) : { principal: admitted, request };
  };

  /** Room for one more; of the sessions that only wait to be resumed, the one that waits longest makes way. */
  const makeRoom = (principal: Principal): [code: number, reason: string] | undefined => {
    const own = perPrincipal.get(principal.id) ?? 0;
    if (own >= maxConnectionsPerPrincipal && !dropLongestLost((each) => each.principal.id === principal.id))
      return [closeCodes.tooManyConnections, `you have ${maxConnectionsPerPrincipal} connections already; close one first`];
    if (connections.size >= maxConnections && !dropLongestLost(() => true))
      return [closeCodes.tryLater, `this hub has ${maxConnections} connections already; try again later`];
    return undefined;
  };
  const dropLongestLost = (mayGo: (connection: Connection) => boolean): boolean => {
    const [longest] = [...sessions.values()]
      .filter((each) => each.resumable?.lostAt !== undefined && mayGo(each))
      .sort((a, b) => (a.resumable?.lostAt ?? 0) - (b.resumable?.lostAt ?? 0));
    longest?.resumable?.end(closeCodes.sessionOver, 'others needed the room');
    return longest !== undefined;
  };

  const open = (webSocket: WebSocket, stream: Duplex, principal: Principal, request: PlainRequest) => {
    const { remoteAddress: address } = request.facts;
    const record = frameRecorder(recorder, () => ({ face: 'ws', principal: principal.id, address }), onError);
    const socket = createServerSocket({ socket: webSocket, stream, maxQueuedBytes, stallMs, lingerMs, record, onError });
    if (closing) return socket.end(closeCodes.goingAway, 'the hub is closing');
    const isResumable = webSocket.protocol === 'mcp.resume';
    const session = isResumable ? request.query.get('session') : null;
    if (session !== null) return goOn(session, socket, principal, request);
    const refusal = makeRoom(principal);
    if (refusal !== undefined) return socket.end(...refusal);
    const resumable = isResumable
      ? createResumableWire({ session: randomBytes(32).toString('base64url'), resumeMs, heartbeatMs, maxQueuedBytes, maxKeptFrames, jsonLimits, record })
      : undefined;
    const served = serveTransport(hub, {
      ...options,
      principal: () => connection.principal,
      face: 'ws',
      wire: resumable ?? createPlainWire(socket, { record, jsonLimits }),
      record,
      fanOut,
      stateCodec,
      onEnd: () => forget(connection),
      onError,
    });
    const connection: Connection = { principal, request, socket, resumable, served, unwatch: () => {} };
    connections.add(connection);
    keepWatch(connection);
    const who = { agent: principal.id, face: 'ws' as const, ...(address !== undefined && { address }) };
    const uncounted = meter?.connectionOpened('ws');
    const absent = presence?.opened(principal, 'ws');
    log?.agentConnected(who);
    connection.onForget = () => {
      uncounted?.();
      absent?.();
      log?.agentDisconnected(who);
    };
    perPrincipal.set(principal.id, (perPrincipal.get(principal.id) ?? 0) + 1);
    if (resumable !== undefined) sessions.set(resumable.session, connection);
    resumable?.attach(socket, 0);
  };
  const goOn = (session: string, socket: ServerSocket, principal: Principal, request: PlainRequest) => {
    const connection = sessions.get(session);
    const received = request.query.get('received') ?? '';
    // Somebody else's session is answered as one that does not exist.
    if (connection === undefined || connection.principal.id !== principal.id || !/^\d{1,15}$/.test(received))
      return socket.end(closeCodes.sessionOver, 'there is no such session any more; begin anew');
    connection.principal = principal;
    connection.request = request;
    connection.socket = socket;
    keepWatch(connection);
    connection.resumable?.attach(socket, Number(received));
  };
  const forget = (connection: Connection) => {
    if (!connections.delete(connection)) return;
    connection.unwatch();
    connection.onForget?.();
    if (connection.resumable !== undefined) sessions.delete(connection.resumable.session);
    const left = (perPrincipal.get(connection.principal.id) ?? 1) - 1;
    if (left === 0) perPrincipal.delete(connection.principal.id);
    else perPrincipal.set(connection.principal.id, left);
  };

  const keepWatch = (connection: Connection) => {
    const { request, principal } = connection;
    connection.unwatch();
    connection.unwatch = door.watch({
      request,
      principal,
      onChange(now) {
        connection.principal = now;
      },
      onEnd(why) {
        const { resumable, socket } = connection;
        const code = why === 'expired' ? closeCodes.keyExpired : closeCodes.keyRevoked;
        if (resumable === undefined) socket.end(code, endedBecause[why]);
        // With a new key its client may go on where it was.
        else if (why === 'expired') resumable.letGo(code, endedBecause[why]);
        else resumable.end(code, endedBecause[why]);
      },
    });
  };
  const heartbeat = setInterval(() => {
    for (const { socket, resumable } of connections) {
      socket.beat();
      resumable?.beat();
    }
  }, heartbeatMs);
  heartbeat.unref();

  return {
    upgrade(incoming, stream, head) {
      stream.on('error', () => {}); // A client that breaks off is no news; what it does wrong, `ws` tells.
      if (arriving + connections.size >= maxConnections + 1_000) return void stream.destroy();
      arriving++;
      const tooLong = setTimeout(() => stream.destroy(), admissionMs + ANSWER_MS);
      admit(incoming, stream)
        .then((admitted) => {
          if ('status' in admitted) return sendRefusal(stream, admitted);
          const { principal, request } = admitted;
          webSockets.handleUpgrade(incoming, stream, head, (webSocket) => open(webSocket, stream, principal, request));
        })
        .catch((error) => {
          onError(error);
          stream.destroy();
        })
        .finally(() => {
          arriving--;
          clearTimeout(tooLong);
        });
    },
    async close() {
      closing = true;
      graceUntil = performance.now() + closeGraceMs;
      clearInterval(heartbeat);
      // Who does not read cannot hold up the others: its connection is cut when the grace is over.
      await Promise.all([...connections].map((connection) => endWithin(connection, closeGraceMs)));
      fanOut.close();
      door.close();
    },
  };
}

async function endWithin(connection: Connection, graceMs: number): Promise<void> {
  const cut = setTimeout(() => connection.socket.end(closeCodes.goingAway, 'the hub is closing'), graceMs + 1_000);
  await connection.served.close(graceMs);
  clearTimeout(cut);
}

/** The same request with the key from the subprotocol as its credential, unless it has one. */
function withKey(request: PlainRequest, key: string | undefined): PlainRequest {
  if (key === undefined || request.header('authorization') !== null || request.header('x-api-key') !== null) return request;
  const { method, path, query, facts, gone } = request;
  return {
    method,
    path,
    query,
    facts,
    gone,
    header: (name) => (name === 'authorization' ? `Bearer ${key}` : request.header(name)),
    readBody: (maxBytes) => request.readBody(maxBytes),
    toRequest: () => request.toRequest(),
  };
}

function sendRefusal(stream: Duplex, { status, headers, body }: PlainResponse): void {
  const lines = Object.entries({ ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
  setTimeout(() => stream.destroy(), 1_000).unref();
}
