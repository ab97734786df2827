// Run as a child process: starts operations without end, some of which end, and says which are on record. Its parent kills it.
import { createOperations, inProcessPrincipal, toolAnswer } from '@meshwork/core';
import { openSqlite } from '@meshwork/store-sqlite';

const store = await openSqlite({ path: process.argv[2] ?? '' });
const operations = createOperations({ store, hub: 'local', maxPerOwner: 1_000_000 });
const principal = inProcessPrincipal('alice');
for (let count = 0; ; count += 1) {
  const { id } = await operations.start({ principal, name: `work ${count}` }, async ({ signal, ask }) => {
    if (count % 3 === 0) return toolAnswer([{ type: 'text', text: String(count) }]);
    if (count % 3 === 1) await ask({ name: { method: 'elicitation/create' } });
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  process.send?.(id);
}
