import { ConflictError } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { KeyValueStore } from './key-value-store.ts';
import { hasEnded, type Operation } from './operation.ts';

/** An operation as the store has it: once it has ended, with a mark when somebody was told. */
export interface KeptOperation {
  readonly key: string;
  readonly operation: Operation;
  readonly revision: number;
  readonly isAnnounced: boolean;
}

/** Tells of the end of each operation at least once. */
export interface OperationEnds {
  /** In the background. What fails, or dies with the process, a later sweep does again. */
  announce(ended: KeptOperation): Promise<void>;
  /** True for an end that nobody was told of, and that this process is not about to tell. */
  isOpen(kept: KeptOperation): boolean;
  /** Waits for what is under way. */
  settle(): Promise<void>;
}

export interface OperationEndsOptions {
  readonly store: KeyValueStore;
  /** Returns once it cannot be lost any more that the operation has ended. */
  readonly announceEnd: (operation: Operation) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** The end is on record without a time to live until it was told, so that a hub that comes back a week later still finds it. */
export function createOperationEnds({ store, announceEnd, onError }: OperationEndsOptions): OperationEnds {
  const underWay = new Map<string, Promise<void>>();
  const announce = async ({ key, operation, revision }: KeptOperation) => {
    try {
      await announceEnd(operation);
      await store.put(key, { ...operation, isAnnounced: true } as unknown as JsonObject, { expected: revision, ttlMs: operation.ttlMs });
    } catch (error) {
      // Another hub was quicker with the mark.
      if (!(error instanceof ConflictError)) onError(error);
    } finally {
      underWay.delete(key);
    }
  };
  return {
    announce(ended) {
      const telling = underWay.get(ended.key) ?? announce(ended);
      underWay.set(ended.key, telling);
      return telling;
    },
    isOpen: ({ key, operation, isAnnounced }) => hasEnded(operation) && !isAnnounced && !underWay.has(key),
    async settle() {
      await Promise.all(underWay.values());
    },
  };
}
