import { isJSONRPCNotification, isJSONRPCRequest, isJSONRPCResponse, type JSONRPCMessage, type RequestId } from '@modelcontextprotocol/server';

export interface CallGateOptions {
  /** Requests under way at once, at most. As many again may wait; then reading stops. */
  readonly maxRequests: number;
  readonly deliver: (message: JSONRPCMessage) => void;
  /** Told of each cancellation before it is delivered. */
  readonly onCancel: (id: RequestId) => void;
  /** Answers a request that is refused here. */
  readonly refuse: (id: RequestId | null, code: number, message: string) => void;
  readonly pause: () => void;
  readonly resume: () => void;
}

/**
 * Lets only so many requests of one connection in at a time; the rest wait, and with them, once too many wait, the frames behind them. What
 * is no request passes: a client can cancel and answer questions while its own requests wait.
 */
export interface CallGate {
  take(message: JSONRPCMessage): void;
  /** A request was answered. False when it was not under way. */
  answered(id: RequestId): boolean;
  /** Lets no request in until `letGo`, and stops reading. */
  hold(): void;
  letGo(): void;
  /** Refuses all that come or wait from now on; resolves when none is under way, with those that are when `graceMs` have passed. */
  close(graceMs: number): Promise<readonly RequestId[]>;
}

export function createCallGate({ maxRequests, deliver, onCancel, refuse, pause, resume }: CallGateOptions): CallGate {
  const running = new Set<RequestId>();
  const waiting = new Map<RequestId, JSONRPCMessage>();
  let held = false;
  let closing = false;
  let reading = true;
  let idle: (() => void) | undefined;

  const settle = () => {
    if (!held) {
      for (const [id, message] of waiting) {
        if (running.size >= maxRequests) break;
        waiting.delete(id);
        running.add(id);
        deliver(message);
      }
    }
    if (running.size === 0) idle?.();
    const shouldRead = !held && waiting.size < maxRequests;
    if (shouldRead === reading) return;
    reading = shouldRead;
    if (shouldRead) resume();
    else pause();
  };
  const takeRequest = (id: RequestId, message: JSONRPCMessage) => {
    if (closing) refuse(id, -31503, 'the hub is closing; try again when it is back');
    else if (running.has(id) || waiting.has(id)) refuse(id, -32600, `a request with the id ${JSON.stringify(id)} is under way`);
    else {
      waiting.set(id, message);
      settle();
    }
  };
  const cancel = (id: RequestId, message: JSONRPCMessage) => {
    onCancel(id);
    if (!waiting.delete(id)) {
      running.delete(id);
      deliver(message);
    }
    settle();
  };

  return {
    take(message) {
      if (isJSONRPCRequest(message)) takeRequest(message.id, message);
      else if (isJSONRPCNotification(message)) {
        const cancelled = message.method === 'notifications/cancelled' ? message.params?.requestId : undefined;
        if (typeof cancelled === 'string' || typeof cancelled === 'number') cancel(cancelled, message);
        else deliver(message);
      } else if (isJSONRPCResponse(message)) deliver(message);
      else refuse(null, -32600, 'this is no JSON-RPC 2.0 request, notification or response');
    },
    answered(id) {
      const known = running.delete(id);
      if (known) settle();
      return known;
    },
    hold() {
      held = true;
      settle();
    },
    letGo() {
      held = false;
      settle();
    },
    async close(graceMs) {
      closing = true;
      for (const id of waiting.keys()) refuse(id, -31503, 'the hub is closing; try again when it is back');
      waiting.clear();
      if (running.size > 0) {
        await new Promise<void>((resolve) => {
          const grace = setTimeout(resolve, graceMs);
          idle = () => {
            clearTimeout(grace);
            resolve();
          };
        });
      }
      return [...running];
    },
  };
}
