import type { Change, Delta } from '../state/board-state.ts';

/** Changes of a state that go to disk together. */
export interface Batch {
  readonly keys: Set<string>;
  readonly changes: Change[];
  /** What the state's vector does not tell of. */
  readonly deltas: Delta[];
  /** Kept when the batch is on disk, broken as soon as that is in doubt. For writers. */
  readonly acknowledged: Promised;
  /** Kept when the batch is on disk, however long that takes. For readers and peers. */
  readonly decided: Promised;
}

interface Promised {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

export function createBatch(): Batch {
  return { keys: new Set(), changes: [], deltas: [], acknowledged: promised(), decided: promised() };
}

function promised(): Promised {
  const made = Promise.withResolvers<void>();
  // Often nobody waits for it.
  made.promise.catch(() => {});
  return made;
}
