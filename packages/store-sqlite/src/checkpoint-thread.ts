import { parentPort, workerData } from 'node:worker_threads';
import type { CheckpointReply, CheckpointRequest, CheckpointThreadData } from './checkpoint-messages.ts';
import { loadSqlite } from './load-sqlite.ts';

/** The thread that copies a store's log into its database, through a connection of its own. It writes nothing else. */
const { path } = workerData as CheckpointThreadData;
const { DatabaseSync } = loadSqlite();
const database = new DatabaseSync(path);
database.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;');
const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');

parentPort?.on('message', (request: CheckpointRequest) => {
  if (request === 'close') {
    database.close();
    parentPort?.close();
    return;
  }
  parentPort?.postMessage(copyLog());
});

function copyLog(): CheckpointReply {
  try {
    const { log, checkpointed } = checkpoint.get() as { log: number; checkpointed: number };
    return { logged: log, copied: checkpointed };
  } catch {
    // The log keeps everything, and the next checkpoint tries again: a full disk shows at the next commit.
    return { logged: -1, copied: -1 };
  }
}
