import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { describeConsumers } from './support/describe-consumers.ts';
import { describeCrash } from './support/describe-crash.ts';
import { describeDurable } from './support/describe-durable.ts';
import { describeRetention } from './support/describe-retention.ts';
import { openStore, type StorePlace } from './support/open-store.ts';
import { inMemory } from './support/world.ts';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshwork-events-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
const next = (): StorePlace => ({ engine: 'sqlite', address: join(folder, `${++files}.db`), name: '' });

describeDurable('memory', inMemory);
describeConsumers('memory', inMemory);
describeRetention('memory', inMemory);
describeDurable('SQLite', (clock) => openStore(next(), clock));
describeConsumers('SQLite', (clock) => openStore(next(), clock));
describeRetention('SQLite', (clock) => openStore(next(), clock));
describeCrash('SQLite', async () => next());
