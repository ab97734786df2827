import { DatabaseSync } from 'node:sqlite';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { createClient, RESP_TYPES } from '@redis/client';
import pg from 'pg';

/** What a server holds of one stream, past the store: the value of each record, first one first. */
export interface RawLog {
  read(): Promise<readonly Buffer[]>;
  /** Puts these in its place; an `undefined` is a record that is gone. The server's own count of records is made to fit. */
  write(values: readonly (Buffer | undefined)[]): Promise<void>;
  close(): Promise<void>;
}

/** SQL on the tables of a file, by another connection. For a log of which each record was appended by itself. */
export async function rawSqlite(path: string, stream: string): Promise<RawLog> {
  const database = new DatabaseSync(path);
  const { id } = database.prepare('SELECT id FROM stream WHERE name = ?').get(stream) as { id: number };
  const base = BigInt(id) << 40n;
  const rows = () =>
    database.prepare('SELECT time, block FROM record WHERE id > ? AND id < ? ORDER BY id').all(base, base + (1n << 40n)) as {
      time: number;
      block: Uint8Array;
    }[];
  const first = rows()[0];
  const kind = Buffer.from(first?.block ?? []).readUInt32LE(0) % 2;
  return {
    read: async () => rows().map(({ block }) => Buffer.from(block).subarray(4)),
    async write(values) {
      database.exec('BEGIN IMMEDIATE');
      database.prepare('DELETE FROM record WHERE id > ? AND id < ?').run(base, base + (1n << 40n));
      for (const [at, value] of values.entries()) {
        if (value === undefined) continue;
        const head = Buffer.alloc(4);
        head.writeUInt32LE(value.length * 2 + kind);
        database
          .prepare('INSERT INTO record (id, count, time, block) VALUES (?, 1, ?, ?)')
          .run(base + BigInt(at + 1), first?.time ?? 0, Buffer.concat([head, value]));
      }
      database.prepare('UPDATE stream SET head = ? WHERE id = ?').run(values.length, id);
      database.exec('COMMIT');
    },
    close: async () => database.close(),
  };
}

/** SQL on the tables of a schema. */
export async function rawPostgres(url: string, schema: string, stream: string): Promise<RawLog> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query(`SELECT id FROM ${schema}.stream WHERE name = $1`, [Buffer.from(stream)]);
  const id = rows[0].id;
  const { kind, time } = (await client.query(`SELECT kind, time FROM ${schema}.record WHERE stream = $1 LIMIT 1`, [id])).rows[0];
  return {
    async read() {
      const found = await client.query(`SELECT value FROM ${schema}.record WHERE stream = $1 ORDER BY place`, [id]);
      return found.rows.map(({ value }) => value);
    },
    async write(values) {
      await client.query(`DELETE FROM ${schema}.record WHERE stream = $1`, [id]);
      for (const [at, value] of values.entries())
        if (value !== undefined)
          await client.query(`INSERT INTO ${schema}.record (stream, place, time, kind, value) VALUES ($1, $2, $3, $4, $5)`, [id, at + 1, time, kind, value]);
      await client.query(`UPDATE ${schema}.stream SET head = $2 WHERE id = $1`, [id, values.length]);
    },
    close: () => client.end(),
  };
}

/** DEL and XADD on the keys of a prefix. */
export async function rawRedis(url: string, prefix: string, stream: string): Promise<RawLog> {
  const client = createClient({ url }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  await client.connect();
  const key = `{${prefix}}:stream:${stream}`;
  const entries = async () => (await client.sendCommand(['XRANGE', key, '-', '+'])) as unknown as readonly [Buffer, readonly Buffer[]][];
  const [, fields = []] = (await entries())[0] ?? [];
  return {
    async read() {
      return (await entries()).map(([, fields]) => fields[5] ?? Buffer.alloc(0));
    },
    async write(values) {
      await client.sendCommand(['DEL', key]);
      for (const [at, value] of values.entries())
        if (value !== undefined) await client.sendCommand(['XADD', key, `${at + 1}-0`, ...fields.slice(0, 5), value] as never);
      await client.sendCommand(['HSET', `{${prefix}}:heads`, stream, String(values.length)]);
    },
    close: async () => client.destroy(),
  };
}

/** A purge of the subject, and messages that look like the store's own. For a log of which each record was appended by itself. */
export async function rawNats(url: string, name: string, stream: string): Promise<RawLog> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  const subject = `${name}.journal.${Buffer.from(stream).toString('base64url')}`;
  const messages = async () => {
    const found: { fields: string[]; data: Buffer }[] = [];
    for (let seq = 1; ; ) {
      const message = await manager.direct.getMessage(`${name}_journal`, { seq, next_by_subj: subject });
      if (message === null) return found;
      found.push({ fields: (message.header.get('Meshwork') ?? '').split(' '), data: Buffer.from(message.data) });
      seq = message.seq + 1;
    }
  };
  const [id, , total, time, part, parts] = (await messages())[0]?.fields ?? [];
  return {
    async read() {
      return (await messages()).map(({ data }) => data.subarray(data.findIndex((byte) => byte < 128) + 1));
    },
    async write(values) {
      await manager.streams.purge(`${name}_journal`, { filter: subject });
      for (const [at, value] of values.entries()) {
        if (value === undefined) continue;
        const header = headers();
        header.set('Meshwork', [`${id}-${at}`, at + 1, total, time, part, parts, at + 1].join(' '));
        const size = value.length * 2 + 1;
        const head = size < 128 ? [size] : [128 + (size % 128), Math.floor(size / 128)];
        await connection.request(subject, Buffer.concat([Buffer.from(head), value]), { headers: header, timeout: 10_000 });
      }
    },
    close: () => connection.close(),
  };
}
