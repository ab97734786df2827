import type { Journal } from '@meshwork/core';
import type { BoardLog } from './board-log.ts';
import { type SnapshotRequest, writeSnapshot } from './snapshot.ts';

export interface SnapshotKeeperOptions {
  readonly journal: Journal;
  readonly stream: string;
  readonly log: BoardLog;
  /** Bytes of log from which on a snapshot is worth while. */
  readonly minLogBytes: number;
  /** Of the snapshot that is there. */
  readonly bytes: number;
  readonly time: () => number;
  readonly onError: (error: unknown) => void;
}

/** Keeps the log of a board from growing beyond what the board holds. */
export interface SnapshotKeeper {
  /** Begins a snapshot when the log is larger than the one before, unless one is being written. The log has to hold all that was acknowledged. */
  writeIfDue(request: Pick<SnapshotRequest, 'state' | 'identity' | 'check'>): void;
  /** Waits until none is being written. */
  ended(): Promise<void>;
}

export function createSnapshotKeeper({ journal, stream, log, minLogBytes, bytes: present, time, onError }: SnapshotKeeperOptions): SnapshotKeeper {
  let bytes = present;
  let running: Promise<void> | undefined;
  const write = async (request: Pick<SnapshotRequest, 'state' | 'identity' | 'check'>) => {
    const before = log.bytes;
    const offset = log.head;
    try {
      bytes = await writeSnapshot({ ...request, journal, stream, offset, time });
      await log.trim(offset + 1, log.bytes - before);
    } catch (error) {
      // Without it the log is longer, and the next change tries again.
      onError(error);
    }
  };
  return {
    writeIfDue(request) {
      if (running !== undefined || log.bytes < Math.max(minLogBytes, bytes)) return;
      running = write(request).finally(() => {
        running = undefined;
      });
    },
    async ended() {
      await running;
    },
  };
}
