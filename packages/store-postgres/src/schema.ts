import { NotFoundError, StoreFormatError } from '@meshwork/core';
import type { ClientBase } from 'pg';
import { writeFunction } from './write-function.ts';

/** Taken by whoever migrates: "mesh" in ASCII. */
const MIGRATION_LOCK = 0x6d657368;

/**
 * Each brings a schema from the version before to its own: the first makes everything. Those that were released are never changed.
 * `state` is one row: the last revision, the last one dropped from the history, and the lock that puts all writers in one order.
 * Names are kept as their UTF-8 bytes: in their order, and with the NUL that `text` refuses.
 */
const MIGRATIONS: readonly ((schema: string) => string)[] = [
  (schema) => `
    CREATE TABLE ${schema}.state (one boolean PRIMARY KEY DEFAULT true CHECK (one), revision bigint NOT NULL, dropped bigint NOT NULL);
    INSERT INTO ${schema}.state (revision, dropped) VALUES (0, 0);
    CREATE TABLE ${schema}.entry (key bytea PRIMARY KEY, kind smallint NOT NULL, value bytea NOT NULL, revision bigint NOT NULL, expires bigint);
    CREATE INDEX entry_expires ON ${schema}.entry (expires) WHERE expires IS NOT NULL;
    CREATE TABLE ${schema}.change (revision bigint PRIMARY KEY, key bytea NOT NULL, kind smallint NOT NULL, value bytea);
    CREATE TABLE ${schema}.stream (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name bytea UNIQUE NOT NULL, head bigint NOT NULL);
    CREATE TABLE ${schema}.record (stream bigint NOT NULL, place bigint NOT NULL, time bigint NOT NULL, kind smallint NOT NULL, value bytea NOT NULL,
      PRIMARY KEY (stream, place));
    ${writeFunction(schema)}`,
];

/**
 * Makes the tables in a schema of our own, or brings older ones up to date: once, whoever opens the store at the same time.
 *
 * @throws {StoreFormatError} when the schema is a newer Meshwork's, or has tables that are not ours.
 */
export async function migrate(client: ClientBase, schema: string): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    const found = (await versionOf(client, schema)) ?? (await begin(client, schema));
    refuseNewer(found, schema);
    for (const migration of MIGRATIONS.slice(found)) await client.query(migration(schema));
    if (found < MIGRATIONS.length) await client.query(`UPDATE ${schema}.meshwork SET version = $1`, [MIGRATIONS.length]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/**
 * Looks whether the tables are there and up to date, and makes none.
 *
 * @throws {NotFoundError} when there are none, {@link StoreFormatError} when they are another Meshwork's, or not ours.
 */
export async function refuseMissing(client: ClientBase, schema: string): Promise<void> {
  const found = await versionOf(client, schema);
  if (found === undefined || found === 0) throw new NotFoundError(`there is no store in the schema ${schema} yet; a hub makes it when it starts`);
  refuseNewer(found, schema);
  if (found < MIGRATIONS.length)
    throw new StoreFormatError(`the schema ${schema} was written by an older meshwork (format ${found}); a hub brings it up to date when it starts`);
}

function refuseNewer(found: number, schema: string): void {
  if (found > MIGRATIONS.length)
    throw new StoreFormatError(`the schema ${schema} was written by a newer meshwork (format ${found}, this one knows ${MIGRATIONS.length}); update meshwork`);
}

async function begin(client: ClientBase, schema: string): Promise<number> {
  await client.query(
    `CREATE SCHEMA IF NOT EXISTS ${schema}; CREATE TABLE ${schema}.meshwork (version integer NOT NULL); INSERT INTO ${schema}.meshwork VALUES (0);`,
  );
  return 0;
}

/** Undefined: there is nothing. @throws {StoreFormatError} when there are tables, and not ours. */
async function versionOf(client: ClientBase, schema: string): Promise<number | undefined> {
  const { rows } = await client.query('SELECT tablename FROM pg_tables WHERE schemaname = $1', [schema]);
  const tables = (rows as { tablename: string }[]).map(({ tablename }) => tablename);
  if (!tables.includes('meshwork')) {
    if (tables.length > 0)
      throw new StoreFormatError(`the schema ${schema} has tables that are not meshwork's (${tables.slice(0, 3).join(', ')}); choose another schema`);
    return undefined;
  }
  const { rows: versions } = await client.query(`SELECT version FROM ${schema}.meshwork`);
  return (versions as { version: number }[])[0]?.version ?? 0;
}
