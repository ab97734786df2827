import { type Clock, joinPorts, randomIds, type Store } from '@meshwork/core';
import { toAddress } from './address.ts';
import { createBatchWriter } from './batch-writer.ts';
import { createConnection } from './connection.ts';
import { findStore, foundStore } from './found-store.ts';
import { createListener } from './listener.ts';
import { type RedisPersistence, readPersistence } from './persistence.ts';
import { createReader } from './reader.ts';
import { createRedisJournal } from './redis-journal.ts';
import { createRedisKeyValueStore } from './redis-key-value-store.ts';
import { storeKeys } from './store-keys.ts';

export interface RedisOptions {
  /** `redis://user:password@host:port/database`, or `rediss://` for TLS. */
  readonly url: string;
  /** All keys begin with it in braces: 1 to 64 letters, digits and `_.:-`. Stores of one server are told apart by it. Default `meshwork`. */
  readonly prefix?: string;
  /** Milliseconds a command may take, with connecting, before it and its connection are given up. Default 10,000. */
  readonly timeoutMs?: number;
  /** Looks at a store that is there: makes none, writes nothing, and refuses whatever would need it. Default false. */
  readonly readOnly?: boolean;
  /** Decides when keys expire and what time records carry. Default: the server's clock, which is one for all hubs. */
  readonly clock?: Clock;
}

/** Both ports on Redis, which is quick and can lose what it acknowledged: see `durability`. */
export interface RedisStore extends Store, AsyncDisposable {
  /**
   * Always this, whatever `persistence` says: replication is asynchronous, so that a failover takes back what the replica had not yet received, and
   * no client can tell whether there will be one. `requireDurable` refuses it.
   */
  readonly durability: 'may-lose-acknowledged';
  /** How the server kept data when the store was opened. */
  readonly persistence: RedisPersistence;
}

/** A watcher that hears nothing looks so often all the same: a connection can be dead without anybody noticing. */
const LOOK_MS = 5_000;

/**
 * Opens both ports on one Redis (6.2 or later), which any number of processes may share. Connections that are lost are made again when they are needed.
 *
 * @throws {UnavailableError} when the server cannot be reached or may throw out any key, {@link NotFoundError} when it was to be read only and is not there, {@link StoreFormatError} when the store is a newer Meshwork's
 * or the keys are not ours, TypeError when the URL or the prefix is none.
 */
export async function openRedis({ url, prefix = 'meshwork', timeoutMs = 10_000, readOnly = false, clock }: RedisOptions): Promise<RedisStore> {
  const address = toAddress(url);
  const keys = storeKeys(prefix);
  const now = () => clock?.now();
  let id: string | undefined;
  const writing = createConnection({
    address,
    timeoutMs,
    async onConnect(client) {
      const found = readOnly ? await findStore(client, keys) : await foundStore(client, keys, id === undefined ? randomIds('store') : undefined);
      id ??= found;
    },
  });
  const reading = createConnection({ address, timeoutMs });
  const wakers: (() => void)[] = [];
  const wake = () => {
    for (const waker of wakers) waker();
  };
  const listener = createListener(address, timeoutMs, keys.common[4], wake);
  const closeConnections = () => Promise.all([listener.close(), writing.close(), reading.close()]);
  try {
    const persistence = await readPersistence(reading);
    await writing.ready();
    await listener.start();
    const writer = createBatchWriter({ connection: writing, keys, id: id ?? '', now, readOnly, onCommit: wake });
    const parts = { keys, writer, reader: createReader(reading), now };
    const store = createRedisKeyValueStore(parts);
    const journal = createRedisJournal(parts);
    wakers.push(store.wake, journal.wake);
    const looker = setInterval(() => {
      listener.check();
      wake();
    }, LOOK_MS).unref();
    let closed: Promise<void> | undefined;
    const close = () => {
      closed ??= (async () => {
        clearInterval(looker);
        await Promise.all([store.close(), journal.close()]);
        await writer.idle();
        await closeConnections();
      })();
      return closed;
    };
    return { ...joinPorts(store, journal, close), durability: 'may-lose-acknowledged', persistence };
  } catch (error) {
    await closeConnections();
    throw error;
  }
}
