import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryStore } from '@meshwork/core';
import { openSqlite } from '@meshwork/store-sqlite';
import { afterAll, beforeAll } from 'vitest';
import { describeAudit } from './support/describe-audit.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshwork-audit-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describeAudit('memory', async () => createMemoryStore());
describeAudit('SQLite', () => openSqlite({ path: join(folder, 'hub.db') }));
