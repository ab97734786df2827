import { closeSync, fdatasync, openSync } from 'node:fs';

/** Brings SQLite's write-ahead log to the disk without holding up the event loop. */
export interface LogSync {
  /** Resolves when all that was committed before the call is on disk. */
  sync(): Promise<void>;
  close(): void;
}

/**
 * What `synchronous = FULL` adds to `NORMAL` is one sync of the log after each commit's frames are written, and this is that sync: the bytes
 * on disk when it resolves are those that a FULL commit leaves. The log keeps its inode while a connection is open. SQLite holds no lock on it that
 * closing this descriptor could free.
 */
export function openLogSync(logPath: string): LogSync {
  const descriptor = openSync(logPath, 'r+');
  return {
    sync: () => new Promise((resolve, reject) => fdatasync(descriptor, (error) => (error === null ? resolve() : reject(error)))),
    close: () => closeSync(descriptor),
  };
}
