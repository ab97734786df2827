import { ClosedError, UnavailableError } from '@meshwork/core';
import { Client, type ClientConfig, DatabaseError } from 'pg';

/** The statement was sent, and no answer came: nobody knows whether it was carried out. */
export class LostError extends Error {
  /** True when the server said nothing in time, and did not break the connection off. */
  readonly isSilent: boolean;

  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
    this.isSilent = this.message === 'Query read timeout';
  }
}

/** The server's answer is that it carried nothing out. */
export class RefusedError extends Error {}

/** One connection, made when it is needed and again after it was lost. */
export interface Connection {
  /**
   * Runs one statement, after those before it.
   *
   * @throws {UnavailableError} when there is no server: nothing was sent. {@link LostError} {@link RefusedError}
   */
  run<Row>(name: string, text: string, values: readonly unknown[]): Promise<readonly Row[]>;
  /** Connects, if it is not connected. @throws {UnavailableError} */
  ready(): Promise<Client>;
  close(): Promise<void>;
}

/** `onConnect` is run on each new connection before anything else; `onEnd` is called when one is lost. */
export interface ConnectionOptions {
  readonly config: ClientConfig;
  readonly onConnect?: (client: Client) => Promise<void>;
  readonly onEnd?: () => void;
}

export function createConnection({ config, onConnect, onEnd }: ConnectionOptions): Connection {
  let present: { readonly connecting: Promise<Client>; client?: Client } | undefined;
  let closed = false;

  /** After it, the next statement gets another connection. */
  const forget = (client: Client) => {
    if (present?.client === client) present = undefined;
  };
  const connect = async (): Promise<Client> => {
    const client = new Client(config);
    client.on('error', () => forget(client));
    client.on('end', () => {
      forget(client);
      if (!closed) onEnd?.();
    });
    try {
      await client.connect();
      await onConnect?.(client);
      return client;
    } catch (cause) {
      destroy(client);
      throw cause;
    }
  };
  const ready = async (): Promise<Client> => {
    if (closed) throw new ClosedError('the store is closed');
    present ??= { connecting: connect() };
    const mine = present;
    try {
      mine.client = await mine.connecting;
      return mine.client;
    } catch (cause) {
      if (present === mine) present = undefined;
      throw new UnavailableError(`PostgreSQL cannot be reached: ${messageOf(cause)}; check the URL and the server, then retry`, { cause });
    }
  };
  return {
    ready,
    async run<Row>(name: string, text: string, values: readonly unknown[]) {
      const client = await ready();
      try {
        const { rows } = await client.query({ name, text, values: [...values] });
        return rows as Row[];
      } catch (cause) {
        // An ERROR ends the statement and undoes it; whatever is worse ends the connection, maybe after the commit.
        if (cause instanceof DatabaseError && cause.severity === 'ERROR') throw new RefusedError(cause.message, { cause });
        forget(client);
        destroy(client);
        throw new LostError(cause);
      }
    },
    async close() {
      closed = true;
      const client = await present?.connecting.catch(() => undefined);
      await client?.end().catch(() => {});
    },
  };
}

/** Ends the socket at once: a goodbye would wait for a server that may not listen. */
function destroy(client: Client): void {
  (client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }).connection.stream.destroy();
}

function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(messageOf).join(', ');
  return cause instanceof Error ? cause.message : String(cause);
}
