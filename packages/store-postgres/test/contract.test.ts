import { openPostgres } from '@meshwork/store-postgres';
import { describeWithEngine } from '@meshwork/test-engines';
import { describeCrowd, describeInventory, describeJournal, describeKeyValueStore, describeLooking, type ManualClock } from '@meshwork/testing';
import { afterAll } from 'vitest';
import { createSchemas } from './schemas.ts';

await describeWithEngine('postgres', (url) => {
  const schemas = createSchemas(url);
  afterAll(() => schemas.drop());
  const open = (clock: ManualClock) => openPostgres({ url, schema: schemas.next(), clock });
  describeKeyValueStore('PostgreSQL', open);
  describeJournal('PostgreSQL', open);
  describeInventory('PostgreSQL', open);
  describeLooking('PostgreSQL', async () => {
    const schema = schemas.next();
    return (options) => openPostgres({ url, schema, ...options });
  });
  describeCrowd('PostgreSQL', async () => {
    const schema = schemas.next();
    return () => openPostgres({ url, schema });
  });
});
