import { openPostgres } from '@meshwork/store-postgres';
import { startEngine } from '@meshwork/test-engines/engine';
import { Pool } from 'pg';
import { ourSide } from './our-side.ts';
import type { Pairing, Side } from './side.ts';

const CALLERS = 64;
/** As many connections as `pg` gives a pool by itself. */
const CONNECTIONS = 10;

/** Batches on one connection beside single statements of as many callers on a pool, on a server of their own. */
export const postgres: Pairing = {
  name: 'PostgreSQL',
  bare: `pg, prepared single statements on a pool of ${CONNECTIONS}`,
  async open() {
    const engine = await startEngine('postgres');
    if (engine === undefined) return undefined;
    const ours = ourSide(await openPostgres({ url: engine.url }), CALLERS);
    return { ours, bare: await openBare(engine.url), close: () => engine.stop() };
  },
};

async function openBare(url: string): Promise<Side> {
  const pool = new Pool({ connectionString: url, max: CONNECTIONS });
  await pool.query(
    'CREATE TABLE entry (key bytea PRIMARY KEY, value bytea); CREATE TABLE record (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, value bytea);',
  );
  const upsert = 'INSERT INTO entry (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value';
  const insert = 'INSERT INTO record (value) VALUES ($1) RETURNING id';
  return {
    put: (key, value) => pool.query({ name: 'put', text: upsert, values: [Buffer.from(key), Buffer.from(value)] }),
    append: (value) => pool.query({ name: 'append', text: insert, values: [Buffer.from(value)] }),
    callers: CALLERS,
    close: () => pool.end(),
  };
}
