import { connect } from '@nats-io/transport-node';
import { createClient } from '@redis/client';
import { Client } from 'pg';
import type { StorePlace } from './open-store.ts';

/** Stores of the test's own on a server that others use too. */
export interface ServerStores {
  /** A place where there is nothing yet. */
  next(): StorePlace;
  /** Takes everything of theirs off the server. */
  drop(): Promise<void>;
}

export function createServerStores(engine: 'postgres' | 'redis' | 'nats', address: string): ServerStores {
  const mark = `meshwork_events_${process.pid}_${Date.now()}`;
  const names: string[] = [];
  return {
    next() {
      const name = `${mark}_${names.length}`;
      names.push(name);
      return { engine, address, name };
    },
    drop: () => drops[engine](address, mark, names),
  };
}

const drops: Readonly<Record<'postgres' | 'redis' | 'nats', (url: string, mark: string, names: readonly string[]) => Promise<void>>> = {
  async postgres(url, _mark, names) {
    const client = new Client(url);
    await client.connect();
    for (const name of names) await client.query(`DROP SCHEMA IF EXISTS ${name} CASCADE`);
    await client.end();
  },
  async redis(url, mark) {
    const client = await createClient({ url }).connect();
    for await (const keys of client.scanIterator({ MATCH: `{${mark}_*`, COUNT: 1_000 })) if (keys.length > 0) await client.unlink(keys);
    client.destroy();
  },
  async nats(url, _mark, names) {
    const connection = await connect({ servers: new URL(url).host });
    for (const name of names)
      for (const stream of ['keys', 'journal', 'notes']) await connection.request(`$JS.API.STREAM.DELETE.${name}_${stream}`, '', { timeout: 20_000 });
    await connection.close();
  },
};
