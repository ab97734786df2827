import { parseJson, UnavailableError } from '@meshwork/core';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';
import { closeCodes } from './close-codes.ts';
import { inOrder } from './in-order.ts';
import { offerProtocols } from './offered-protocols.ts';
import { createResumableLink, isControl, SESSION_METHOD } from './resumable-link.ts';

/** As much of the Web's WebSocket as is used; the one of `ws` has it too. */
export interface WebSocketLike {
  readonly protocol: string;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export interface ConnectWebSocketOptions {
  /**
   * The key of the agent, or what gives it for each socket, such as `token` of a session keeper: then a session token that expires costs a socket
   * and not the connection. It goes in the subprotocol `mcp.bearer.…`, for a browser can set no header.
   */
  readonly key?: string | (() => string | Promise<string>);
  /** Go on with the same session on a new socket when one is lost, if the server can. Default true. */
  readonly resume?: boolean;
  /** The class to use. Default the global one, which browsers and Node 22 have. */
  readonly WebSocket?: new (
    url: string,
    protocols: string[],
  ) => unknown;
  /** Milliseconds to wait for a socket to open. Default 10,000. */
  readonly openMs?: number;
  /** Milliseconds before the first attempt to reconnect, about; doubled for each further one up to `maxDelayMs`. Default 100 and 3,000. */
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
  /** 0 to 1, for spreading the attempts of many clients. Default `Math.random`. */
  readonly random?: () => number;
}

/** A hub may answer at any length; its client has asked it to. */
export const HUBS_JSON = { maxMembers: Number.POSITIVE_INFINITY, maxValues: Number.POSITIVE_INFINITY, maxStringLength: Number.POSITIVE_INFINITY } as const;

/** Characters that a client keeps for a hub it cannot reach. */
const MAX_KEPT_CHARACTERS = 16 * 2 ** 20;

/**
 * A transport for an SDK client over WebSocket: `await client.connect(connectWebSocket('ws://127.0.0.1:3002/mcp', { key }))`. When the socket is
 * lost it reconnects, and requests and subscriptions go on as if nothing had happened; when that is not possible within the time the hub
 * keeps the session, the transport closes, and the client connects anew with another.
 */
export function connectWebSocket(url: string | URL, options: ConnectWebSocketOptions = {}): Transport {
  const { openMs = 10_000, firstDelayMs = 100, maxDelayMs = 3_000, random = Math.random } = options;
  const WebSocketClass = (options.WebSocket ?? globalThis.WebSocket) as new (url: string, protocols: string[]) => WebSocketLike;
  const { key: keyOrGiver, resume = true } = options;
  const isKeyGiven = typeof keyOrGiver === 'function';
  const mayGoOn = (code: number) => isLoss(code) || (isKeyGiven && code === closeCodes.keyExpired);
  const link = createResumableLink({ maxKeptFrames: Number.POSITIVE_INFINITY, maxKeptCharacters: MAX_KEPT_CHARACTERS });
  let socket: WebSocketLike | undefined;
  let session: { readonly id: string; readonly resumeMs: number; readonly heartbeatMs: number } | undefined;
  let isResumable = false;
  let closed = false;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setInterval> | undefined;
  let heardAt = 0;

  const finish = (error?: Error) => {
    if (closed) return;
    closed = true;
    clearTimeout(retry);
    clearInterval(silence);
    link.detach();
    if (error !== undefined) transport.onerror?.(error);
    transport.onclose?.();
  };

  /** Opens a socket; resolves when messages can be sent on it. */
  const open = async (): Promise<void> => {
    const key = isKeyGiven ? await keyOrGiver() : keyOrGiver;
    await openWith(offerProtocols({ key, resume }));
  };
  const openWith = (protocols: string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const target = new URL(url);
      if (session !== undefined) {
        target.searchParams.set('session', session.id);
        target.searchParams.set('received', String(link.received));
      }
      const opened = new WebSocketClass(target.href, protocols);
      let isUp = false;
      const tooLong = setTimeout(() => opened.close(), openMs);
      const up = () => {
        isUp = true;
        clearTimeout(tooLong);
        socket = opened;
        resolve();
      };
      opened.onopen = () => {
        isResumable = opened.protocol === 'mcp.resume';
        if (!isResumable) up();
      };
      opened.onmessage = ({ data }) => {
        if (closed) return;
        heardAt = performance.now();
        let message: unknown;
        try {
          message = parseJson(String(data), HUBS_JSON);
        } catch (error) {
          transport.onerror?.(error as Error);
        }
        if (!isResumable) return pass(message);
        if (!isControl(message, SESSION_METHOD)) {
          const taken = link.take(message);
          if (taken === 'message') pass(message);
          else if (taken === 'violation') fail(new UnavailableError('the hub acknowledged frames that were never sent'));
          return;
        }
        const {
          session: id,
          received,
          resumeMs,
          heartbeatMs,
        } = message.params as {
          session: string;
          received: number;
          resumeMs: number;
          heartbeatMs: number;
        };
        session = { id, resumeMs, heartbeatMs };
        up();
        listenForSilence(opened, heartbeatMs);
        if (!link.attach(opened, received)) fail(new UnavailableError('the hub went on with another session'));
      };
      opened.onerror = () => {}; // A close event follows.
      opened.onclose = ({ code, reason }) => {
        clearTimeout(tooLong);
        const error = new UnavailableError(`the connection to ${target.host} was closed: ${code}${reason === '' ? '' : `, ${reason}`}`, { details: { code } });
        if (isUp) lost(opened, code, error);
        else reject(error);
      };
    });
  /** A network can go without a word. The hub is heard from at each heartbeat; who misses two has lost the socket. */
  const listenForSilence = (which: WebSocketLike, heartbeatMs: number) => {
    clearInterval(silence);
    silence = setInterval(() => {
      if (performance.now() - heardAt <= 2 * heartbeatMs) return;
      which.onmessage = null;
      which.onclose = null;
      which.close();
      lost(which, 1006, new UnavailableError(`nothing was heard of the hub for ${2 * heartbeatMs} ms`));
    }, heartbeatMs);
  };
  const pass = (message: unknown) => {
    if (message !== undefined) transport.onmessage?.(message as JSONRPCMessage);
  };
  const fail = (error: Error) => {
    socket?.close(1000);
    finish(error);
  };
  const lost = (which: WebSocketLike, code: number, error: Error) => {
    if (which !== socket || closed) return;
    socket = undefined;
    clearInterval(silence);
    link.detach();
    if (session === undefined || !mayGoOn(code)) return finish(code === closeCodes.done ? undefined : error);
    reconnect(performance.now() + session.resumeMs, 0, error);
  };
  const reconnect = (until: number, attempt: number, error: Error) => {
    if (performance.now() > until) return finish(error);
    const delay = Math.min(firstDelayMs * 2 ** attempt, maxDelayMs) * (0.5 + random() / 2);
    retry = setTimeout(async () => {
      try {
        await open();
        if (closed) socket?.close(1000);
      } catch (failure) {
        const code = (failure as UnavailableError).details?.code as number | undefined;
        if (closed) return;
        // Who gives the key may be away for as long as the hub is.
        if (code === undefined || mayGoOn(code) || code === closeCodes.tryLater) reconnect(until, attempt + 1, failure as Error);
        else finish(failure as Error);
      }
    }, delay);
  };

  const transport: Transport = {
    async start() {
      try {
        await open();
      } catch (error) {
        closed = true;
        throw error;
      }
    },
    async send(message) {
      if (closed) throw new UnavailableError('the connection is closed');
      const text = JSON.stringify(message);
      if (!isResumable) socket?.send(text);
      else if (!link.post(text)) throw new UnavailableError('the hub cannot be reached, and too much waits for it already');
    },
    async close() {
      socket?.close(1000);
      finish();
    },
  };
  return inOrder(transport);
}

/** True when the socket was lost and not ended by anybody (RFC 6455, section 7.4.1), so that a new one may go on. */
function isLoss(code: number): boolean {
  return code === 1006 || code === 1012 || code === 1014;
}
