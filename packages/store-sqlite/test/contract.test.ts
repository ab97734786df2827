import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '@meshwork/store-sqlite';
import { describeJournal, describeKeyValueStore, type ManualClock } from '@meshwork/testing';
import { afterAll, beforeAll } from 'vitest';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshwork-sqlite-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const open = (clock: ManualClock) => openSqlite({ path: join(folder, `${++files}.db`), clock });
describeKeyValueStore('SQLite', open);
describeJournal('SQLite', open);
