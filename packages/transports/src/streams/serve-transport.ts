import type { Face, Hub, Principal } from '@meshwork/core';
import { type JSONRPCMessage, type RequestId, type RequestStateCodec, SUBSCRIPTION_ID_META_KEY, type Transport } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { JsonCaps } from '../http/read-body.ts';
import { UNRECORDED } from '../http/refusals.ts';
import { recordingErrors } from '../mcp/error-records.ts';
import type { FanOut } from '../mcp/fan-out.ts';
import { createMcpServer, type SealedState } from '../mcp/mcp-server.ts';
import { sharedValidator } from '../mcp/shared-validator.ts';
import { withTaskNotices } from '../mcp/tasks/listen-over-stream.ts';
import type { TrafficMeter } from '../traffic-meter.ts';
import { createCallGate } from './call-gate.ts';
import { createConnectionSubscriptions } from './connection-subscriptions.ts';
import type { RecordFrame } from './frame-refusals.ts';
import type { Wire } from './wire.ts';

/** What one connection may ask of a hub. */
export interface ConnectionLimits extends JsonCaps {
  /** Milliseconds a call may take. Default 300,000. */
  readonly callTimeoutMs?: number;
  /** Requests of one connection under way at once; as many again wait, then its reading stops. Default 64. */
  readonly maxRequests?: number;
  /** Resources and lists one connection may watch. Default 1,000. */
  readonly maxSubscriptions?: number;
}

export interface ServeTransportOptions extends ConnectionLimits {
  /** Who is at the other end, asked for each call: a connection may outlive what its owner may do. */
  readonly principal: () => Principal;
  readonly face: Face;
  readonly wire: Wire;
  readonly fanOut: FanOut;
  /** Seals what questions to the caller need to come back with; shared by the connections of one server, so that an answer may come on another. */
  readonly stateCodec: RequestStateCodec<SealedState>;
  /** Called once, when the connection has ended. */
  readonly onEnd?: () => void;
  /** Records messages that are refused before they are calls. */
  readonly record?: RecordFrame | undefined;
  /** Counts messages. */
  readonly meter?: TrafficMeter;
  readonly onError: (error: unknown) => void;
}

/** A hub at work on one connection. */
export interface ServedTransport {
  /** Refuses new requests, waits for those under way, tells the rest that they were cancelled, then ends subscriptions and the connection. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves a hub on one connection that lasts. The SDK's stdio entry decides the revision from the first message; it drops what a transport
 * knows about the caller, so the principal is closed over instead.
 */
export function serveTransport(hub: Hub, options: ServeTransportOptions): ServedTransport {
  const {
    wire,
    face,
    fanOut,
    stateCodec,
    record,
    meter,
    callTimeoutMs = 300_000,
    maxRequests = 64,
    maxSubscriptions = 1_000,
    onEnd = () => {},
    onError,
  } = options;
  const sendText = wire.sendText ?? ((text: string) => void wire.send(JSON.parse(text) as JSONRPCMessage).catch(onError));
  let told: ReadonlySet<RequestId> = new Set();

  let waits = false;
  const waitForReader = () => {
    if (waits || wire.behind !== true || wire.caughtUp === undefined) return;
    waits = true;
    gate.hold();
    void wire.caughtUp().then(() => {
      waits = false;
      gate.letGo();
    });
  };
  const deliver = (text: string) => {
    meter?.messageSent(face);
    sendText(text);
    waitForReader();
  };
  const answer = (id: RequestId | null, code: number, message: string, data?: unknown) =>
    deliver(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, ...(data !== undefined && { data }) } }));
  const subscriptions = createConnectionSubscriptions({ fanOut, principal: options.principal, maxSubscriptions, deliver });
  const gate = createCallGate({
    maxRequests,
    deliver: (message) => {
      const refusal = subscriptions.refusalOf(message);
      if (refusal === undefined) tap.onmessage?.(message);
      else
        void tap.send({ jsonrpc: '2.0', id: (message as { id: RequestId }).id, error: { code: refusal.code, message: refusal.message, data: refusal.data } });
    },
    onCancel: (id) => subscriptions.cancelled(id),
    refuse: (id, code, message) => {
      // Who is refused because the hub closes is told at once: there is no later.
      if (record === undefined || code === -31503) answer(id, code, message);
      else void record(400, message).then((isKept) => (isKept ? answer(id, code, message) : answer(id, -31503, UNRECORDED)));
    },
    pause: () => wire.pause?.(),
    resume: () => wire.resume?.(),
  });

  const sendRecorded = recordingErrors(record, (message, sendOptions) => wire.send(message, sendOptions));
  const tap: Transport = {
    start: () => wire.start(),
    async send(message, sendOptions) {
      const settled = settledBy(message);
      // Whoever was told that its request is cancelled gets no answer after that.
      if (settled !== undefined && gate.answered(settled) && told.has(settled)) return;
      meter?.messageSent(face);
      const sent = sendRecorded(message, sendOptions);
      subscriptions.sent(message);
      waitForReader();
      await sent;
    },
    close: () => wire.close(),
  };
  wire.onmessage = (message) => {
    meter?.messageReceived(face);
    gate.take(message);
  };
  wire.onerror = (error) => tap.onerror?.(error);
  wire.onclose = () => {
    subscriptions.close();
    tap.onclose?.();
    onEnd();
  };

  const handle = serveStdio(
    ({ era }) => {
      const server = createMcpServer(hub, {
        get principal() {
          return options.principal();
        },
        face,
        era,
        stateCodec,
        jsonSchemaValidator: sharedValidator,
        callTimeoutMs,
        onError,
      });
      if (era === 'legacy') subscriptions.serveLegacy(server);
      return server;
    },
    { transport: withTaskNotices(hub, tap, { principal: options.principal, onError }), maxSubscriptions, onerror: onError },
  );
  let closed: Promise<void> | undefined;
  const close = async (graceMs: number) => {
    const late = await gate.close(graceMs);
    told = new Set(late);
    for (const id of late) answer(id, -31499, 'the call was cancelled: the hub is closing', { code: 'CANCELLED' });
    subscriptions.close();
    await handle.close();
  };
  return {
    close(graceMs) {
      closed ??= close(graceMs);
      return closed;
    },
  };
}

/** The id of the request that a message settles: an answer does, and so does the acknowledgement of a subscription, whose answer is its end. */
function settledBy(message: JSONRPCMessage): RequestId | undefined {
  if (!('method' in message)) return message.id;
  if (message.method !== 'notifications/subscriptions/acknowledged') return undefined;
  return (message.params?._meta as Record<string, RequestId> | undefined)?.[SUBSCRIPTION_ID_META_KEY];
}
