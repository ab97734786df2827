import { ClosedError, MeshworkError, UnavailableError, within } from '@meshwork/core';
import { ClientClosedError, ClientOfflineError, createClient, ErrorReply, RESP_TYPES } from '@redis/client';
import type { Address } from './address.ts';

/** The command was sent, and no answer came: nobody knows whether it was carried out. `silent`: the server did not answer in time. */
export class LostError extends Error {
  readonly silent: boolean;

  constructor(message: string, options: ErrorOptions & { readonly silent?: boolean } = {}) {
    super(message, options);
    this.silent = options.silent ?? false;
  }
}

/** The server's answer is an error. `reply` is its first word, as in `READONLY`. */
export class RefusedError extends Error {
  readonly reply: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.reply = message.split(' ', 1)[0] ?? '';
  }
}

/** One connection, made when it is needed and again after it was lost. Strings in answers are Buffers. */
export interface Connection {
  /**
   * Sends one command, after those before it. Ends within `timeoutMs`.
   *
   * @throws {UnavailableError} when there is no server: nothing was sent. {@link LostError} {@link RefusedError}
   */
  run(command: readonly (string | Buffer)[]): Promise<unknown>;
  /** Connects, if it is not connected. @throws {UnavailableError} */
  ready(): Promise<RedisConnection>;
  close(): Promise<void>;
}

/** `onConnect` is run on each new connection before anything else; `onEnd` is called when one that served is lost. */
export interface ConnectionOptions {
  readonly address: Address;
  readonly timeoutMs: number;
  readonly onConnect?: (client: RedisConnection) => Promise<void>;
  readonly onEnd?: () => void;
}

/** What of the client is used. It connects once: only we know which command may be sent again. */
export type RedisConnection = ReturnType<typeof newClient>;

export function createConnection({ address, timeoutMs, onConnect, onEnd }: ConnectionOptions): Connection {
  let present: Promise<RedisConnection> | undefined;
  let closed = false;
  /** Given up for a command that had no answer: the others on it have waited for the same silence. */
  const silent = new WeakSet<RedisConnection>();

  const connect = async (forget: () => void): Promise<RedisConnection> => {
    const client = newClient(address, timeoutMs);
    let serves = false;
    const onGone = () => {
      forget();
      if (!serves || closed) return;
      serves = false;
      client.destroy();
      onEnd?.();
    };
    client.on('error', onGone);
    client.on('end', onGone);
    try {
      const connecting = client.connect().then(() => onConnect?.(client));
      await within(timeoutMs, connecting, () => new Error(`no answer for ${timeoutMs} ms`));
      serves = client.isReady;
      if (!serves) throw new Error('it closed the connection');
      return client;
    } catch (cause) {
      forget();
      client.destroy();
      throw cause;
    }
  };
  const ready = async (): Promise<RedisConnection> => {
    if (closed) throw new ClosedError('the store is closed');
    try {
      if (present === undefined) {
        const mine: Promise<RedisConnection> = connect(() => {
          if (present === mine) present = undefined;
        });
        present = mine;
      }
      return await present;
    } catch (cause) {
      if (MeshworkError.isInstance(cause)) throw cause;
      throw new UnavailableError(`Redis cannot be used: ${messageOf(cause)}; check the URL, the server and the user's permissions, then retry`, { cause });
    }
  };
  return {
    ready,
    async run(command) {
      const since = performance.now();
      const client = await ready();
      const left = Math.max(1, timeoutMs - (performance.now() - since));
      try {
        return await within(left, client.sendCommand(command), () => new LostError(`no answer for ${timeoutMs} ms`, { silent: true }));
      } catch (cause) {
        if (cause instanceof ErrorReply) {
          const refused = new RefusedError(cause.message, { cause });
          // This server will not do: the next connection may find the one that does.
          if (elsewhere.has(refused.reply)) client.destroy();
          throw refused;
        }
        if (cause instanceof ClientOfflineError || cause instanceof ClientClosedError)
          throw new UnavailableError('the connection to Redis has ended; retry', { cause });
        if (cause instanceof LostError) silent.add(client);
        client.destroy();
        throw cause instanceof LostError ? cause : new LostError(messageOf(cause), { cause, silent: silent.has(client) });
      }
    },
    async close() {
      closed = true;
      const client = await present?.catch(() => undefined);
      client?.destroy();
    },
  };
}

/** A replica, a server that is being demoted, one that still loads. */
const elsewhere = new Set(['READONLY', 'MASTERDOWN', 'LOADING', 'MOVED', 'CLUSTERDOWN']);

function newClient(address: Address, timeoutMs: number) {
  return createClient({
    ...address,
    RESP: 2,
    name: 'meshwork',
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    socket: { ...address.socket, connectTimeout: timeoutMs, reconnectStrategy: false },
    // Its own time-out is for commands not yet sent, and costs a signal for each.
    commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  });
}

function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(messageOf).join(', ');
  return cause instanceof Error ? cause.message : String(cause);
}
