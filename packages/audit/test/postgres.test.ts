import { openPostgres } from '@meshwork/store-postgres';
import { describeWithEngine } from '@meshwork/test-engines';
import { describeAudit } from './support/describe-audit.ts';

await describeWithEngine('postgres', (url) => {
  describeAudit('PostgreSQL', () => openPostgres({ url, schema: `meshwork_audit_${process.pid}_${Date.now()}` }));
});
