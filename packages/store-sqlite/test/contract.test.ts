import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '@meshwork/store-sqlite';
import { describeInventory, describeJournal, describeKeyValueStore, type ManualClock } from '@meshwork/testing';
import { afterAll, beforeAll } from 'vitest';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshwork-sqlite-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

for (const [name, thread] of [
  ['SQLite', true],
  ['SQLite on the calling thread', false],
] as const) {
  const open = (clock: ManualClock) => openSqlite({ path: join(folder, `${++files}.db`), clock, thread });
  describeKeyValueStore(name, open);
  describeJournal(name, open);
  describeInventory(name, open);
}
