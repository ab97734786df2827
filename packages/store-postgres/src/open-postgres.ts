import { type Clock, type Durability, joinPorts, type Store, UnavailableError } from '@meshwork/core';
import { type Client, type ClientConfig, types } from 'pg';
import { createPastAppender } from './append-past.ts';
import { createBatchWriter } from './batch-writer.ts';
import { createConnection } from './connection.ts';
import { createListener } from './listener.ts';
import { createPostgresJournal } from './postgres-journal.ts';
import { createPostgresKeyValueStore } from './postgres-key-value-store.ts';
import { createReader } from './reader.ts';
import { migrate, refuseMissing } from './schema.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`, as libpq writes it. */
  readonly url: string;
  /** The schema the tables are in, made when it is missing: lower case letters, digits and `_`. Stores of one database are told apart by it. Default `meshwork`. */
  readonly schema?: string;
  /** Milliseconds a statement may take before its connection is given up. Default 10,000. */
  readonly timeoutMs?: number;
  /** Looks at a store that is there: makes none, writes nothing, and refuses whatever would need it. Default false. */
  readonly readOnly?: boolean;
  /** Decides when keys expire and what time records carry. Default: the server's clock, which is one for all hubs. */
  readonly clock?: Clock;
}

/** A watcher that hears nothing looks so often all the same: a connection can be dead without anybody noticing. */
const LOOK_MS = 5_000;
const INT8_OID = 20;

/**
 * Opens both ports on a PostgreSQL database, which any number of processes may share. Connections that are lost are made again when they are needed.
 *
 * @throws {UnavailableError} when the server cannot be reached, {@link NotFoundError} when it was to be read only and is not there, {@link StoreFormatError} when the schema is a newer Meshwork's or not ours,
 * TypeError when the schema's name is none.
 */
export async function openPostgres({
  url,
  schema = 'meshwork',
  timeoutMs = 10_000,
  readOnly = false,
  clock,
}: PostgresOptions): Promise<Store & AsyncDisposable> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema))
    throw new TypeError(`the schema ${JSON.stringify(schema)} must be lower case letters, digits and "_", as in "meshwork"`);
  const config: ClientConfig = {
    connectionString: url,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
    application_name: 'meshwork',
    types: { getTypeParser: (oid: number, format?: 'text') => (oid === INT8_OID ? Number : types.getTypeParser(oid, format)) } as typeof types,
  };
  const now = () => clock?.now();
  const wake = () => {
    keys.wake();
    journal.wake();
  };
  const onConnect = readOnly ? async (client: Client) => void (await client.query('SET default_transaction_read_only = on')) : undefined;
  const writing = createConnection({ config, ...(onConnect && { onConnect }) });
  const reading = createConnection({ config: { ...config, pipeline: true } as ClientConfig });
  const listener = createListener(config, schema, wake);
  const writer = createBatchWriter({ connection: writing, schema, now, onCommit: wake });
  const reader = createReader(reading);
  const keys = createPostgresKeyValueStore({ schema, writer, reader, now });
  const importing = createConnection({ config, ...(onConnect && { onConnect }) });
  const journal = createPostgresJournal({ schema, writer, reader, now }, createPastAppender({ connection: importing, schema, onCommit: wake }));
  const looker = setInterval(wake, LOOK_MS).unref();
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= (async () => {
      clearInterval(looker);
      await Promise.all([keys.close(), journal.close()]);
      await writer.idle();
      await Promise.all([listener.close(), writing.close(), reading.close(), importing.close()]);
    })();
    return closed;
  };
  let durability: Durability;
  try {
    const client = await writing.ready();
    if (readOnly) await refuseMissing(client, schema);
    else await migrateOnce(client, schema);
    durability = await durabilityOf(client);
    await listener.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { ...joinPorts(keys, journal, close), durability };
}

async function migrateOnce(client: Parameters<typeof migrate>[0], schema: string): Promise<void> {
  try {
    await migrate(client, schema);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'STORE_FORMAT') throw cause;
    throw new UnavailableError(`the tables cannot be made in schema ${schema}: ${(cause as Error).message}; the user needs CREATE on the database`, { cause });
  }
}

/** What a power cut leaves of an acknowledged write: with `fsync` or `synchronous_commit` off, not all. */
async function durabilityOf(client: Parameters<typeof migrate>[0]): Promise<Durability> {
  const { rows } = await client.query(`SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit`);
  const [{ fsync, commit }] = rows as [{ fsync: string; commit: string }];
  return fsync === 'on' && commit !== 'off' ? 'durable' : 'may-lose-acknowledged';
}
