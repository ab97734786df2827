// Run as a worker thread: opens a store, writes, and says what it read back.
import { parentPort, workerData } from 'node:worker_threads';
import { openSqlite } from '@meshwork/store-sqlite';

const store = await openSqlite({ path: String(workerData) });
await store.put('key', 'kept');
parentPort?.postMessage((await store.get('key'))?.value);
await store.close();
