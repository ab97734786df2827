import { type Clock, createMemoryStore, type Store } from '@meshwork/core';
import { openNats } from '@meshwork/store-nats';
import { openPostgres } from '@meshwork/store-postgres';
import { openRedis } from '@meshwork/store-redis';
import { openSqlite } from '@meshwork/store-sqlite';

/** A store that may be opened again, also by another process. */
export interface StorePlace {
  readonly engine: 'memory' | 'sqlite' | 'postgres' | 'redis' | 'nats';
  /** A file, or the URL of a server. */
  readonly address: string;
  /** Of several stores on one server, which. */
  readonly name: string;
}

export async function openStore({ engine, address, name }: StorePlace, clock?: Clock): Promise<Store> {
  const more = clock === undefined ? {} : { clock };
  switch (engine) {
    case 'memory':
      return createMemoryStore(more);
    case 'sqlite':
      return openSqlite({ path: address, ...more });
    case 'postgres':
      return openPostgres({ url: address, schema: name, ...more });
    case 'redis':
      return openRedis({ url: address, prefix: name, ...more });
    case 'nats':
      return openNats({ url: address, name, ...more });
  }
}
