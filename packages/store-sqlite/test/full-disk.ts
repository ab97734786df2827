// Run as a child process whose files may not grow beyond a limit: writes until the first failure, and says what it was told.
import { MeshworkError } from '@meshwork/core';
import { openSqlite } from '@meshwork/store-sqlite';

const store = await openSqlite({ path: process.argv[2] ?? '', thread: process.argv[3] !== 'calling' });
const value = 'x'.repeat(20_000);
let acknowledged = 0;
for (;;) {
  // Two in one commit share its fate.
  const outcomes = await Promise.allSettled([store.put(`key/${acknowledged}`, value), store.put(`also/${acknowledged}`, value)]);
  const failed = outcomes.filter(({ status }) => status === 'rejected');
  if (failed.length === 0) acknowledged += 1;
  else {
    const codes = failed.map((outcome) => (outcome.status === 'rejected' && MeshworkError.isInstance(outcome.reason) ? outcome.reason.code : undefined));
    process.stdout.write(JSON.stringify({ acknowledged, codes }));
    break;
  }
}
await store.close();
