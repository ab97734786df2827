import type { Store } from '@meshwork/core';

/** A store whose engine can be killed under it. */
export interface Restartable {
  /** Stays open from the first kill to the last: its driver has to connect again by itself. */
  readonly store: Store;
  /** Ends the engine as a crash would, at once. */
  kill(): Promise<void>;
  /** Starts it again with what it had on disk. */
  restart(): Promise<void>;
}
