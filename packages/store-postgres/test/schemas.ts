import { Client } from 'pg';

/** Names for schemas that nobody else has, and their end. */
export function createSchemas(url: string): { next(): string; drop(): Promise<void> } {
  const mark = `meshwork_test_${process.pid}_${Date.now()}`;
  const made: string[] = [];
  return {
    next() {
      made.push(`${mark}_${made.length}`);
      return made.at(-1) as string;
    },
    async drop() {
      const client = new Client(url);
      await client.connect();
      for (const schema of made) await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      await client.end();
    },
  };
}
