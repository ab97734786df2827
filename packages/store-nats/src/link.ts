import { ClosedError, createRoster, type Enrolled, UnavailableError } from '@meshwork/core';
import { type ConnectionOptions, connect, type Msg, type MsgHdrs, type NatsConnection, NoRespondersError } from '@nats-io/transport-node';

/** The request may have arrived, and no answer came. */
export class SilentError extends Error {}

/** Nobody serves the subject now: the request was carried out by none. */
export class NobodyError extends Error {}

/** The one connection of a store, which is made again by itself. Nothing is kept back while it is away: what begins then fails at once. */
export interface Link {
  readonly connection: NatsConnection;
  /** Milliseconds one operation may take. */
  readonly timeoutMs: number;
  /** Aborts when the store is closed. */
  readonly closing: AbortSignal;
  /** @throws {UnavailableError} when there is no connection, {@link ClosedError} */
  check(): void;
  /** @throws {UnavailableError} when it was not sent, {@link SilentError} when no answer came, {@link NobodyError} */
  request(subject: string, payload: Uint8Array | string, options?: { readonly headers?: MsgHdrs; readonly timeoutMs?: number }): Promise<Msg>;
  /** Calls back once when the connection is lost, until the answer is called. */
  onLoss(listener: () => void): () => void;
  /** Resolves when there is a connection, or after `ms`. */
  whenUp(ms: number): Promise<void>;
  close(): Promise<void>;
}

interface Waiter extends Enrolled {
  readonly listener: () => void;
}

/** @throws {UnavailableError} when no server can be reached. */
export async function openLink(options: ConnectionOptions, timeoutMs: number): Promise<Link> {
  const closing = new AbortController();
  let connection: NatsConnection;
  try {
    connection = await connect(options);
  } catch (cause) {
    throw new UnavailableError(`NATS cannot be reached: ${messageOf(cause)}; check the URL, the credentials and the server, then retry`, { cause });
  }
  const waiting = createRoster<Waiter>();
  let up: PromiseWithResolvers<void> | undefined;
  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') {
        up ??= Promise.withResolvers<void>();
        for (const { listener } of waiting.members()) listener();
      } else if (type === 'reconnect') {
        up?.resolve();
        up = undefined;
      }
    }
  })();
  const check = () => {
    if (closing.signal.aborted || connection.isClosed()) throw new ClosedError('the store is closed');
    if (up !== undefined) throw new UnavailableError('the connection to NATS is lost and is being made again; retry later');
  };
  const onLoss = (listener: () => void) => {
    const waiter: Waiter = { place: 0, listener };
    waiting.add(waiter);
    return () => waiting.delete(waiter);
  };
  return {
    connection,
    timeoutMs,
    closing: closing.signal,
    check,
    async request(subject, payload, { headers, timeoutMs: timeout = timeoutMs } = {}) {
      check();
      let stop: (() => void) | undefined;
      try {
        return await new Promise<Msg>((resolve, reject) => {
          stop = onLoss(() => reject(new SilentError('the connection to NATS was lost')));
          connection.request(subject, payload, { timeout, ...(headers && { headers }) }).then(resolve, reject);
        });
      } catch (cause) {
        if (cause instanceof SilentError) throw cause;
        if (cause instanceof NoRespondersError || (cause instanceof Error && cause.cause instanceof NoRespondersError))
          throw new NobodyError('nobody serves it now', { cause });
        throw new SilentError(messageOf(cause), { cause });
      } finally {
        stop?.();
      }
    },
    onLoss,
    async whenUp(ms) {
      if (up === undefined) return;
      let timer: ReturnType<typeof setTimeout> | undefined;
      await Promise.race([up.promise, new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))]);
      clearTimeout(timer);
    },
    async close() {
      closing.abort();
      up?.resolve();
      await connection.close();
    },
  };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'no reason given';
}
