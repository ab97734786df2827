import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '@meshwork/store-sqlite';
import { describeCrowd } from '@meshwork/testing';
import { afterAll, beforeAll } from 'vitest';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshwork-sqlite-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const fresh = async () => {
  const path = join(folder, `${++files}.db`);
  return () => openSqlite({ path });
};
describeCrowd('SQLite', fresh, { machines: 1 });
