import { ConflictError, type KeyValueEntry, type KeyValueStore } from '@meshwork/core';

/** The right to send to one webhook, which one hub of a store has at a time. Whoever dies with it loses it when its time is over. */
export interface SenderLease {
  /** Makes sure that it is here for a while: `kept` when it was all along, `new` when it is from now on, `elsewhere` when another hub has it. */
  hold(): Promise<'kept' | 'new' | 'elsewhere'>;
  /** True while it is certain that no other hub has it. */
  readonly isHeld: boolean;
  /** Renews it until the function returned is called; calls `onLost` when that is in vain. */
  keep(onLost: () => void): () => void;
  /** Gives it up, so that others need not wait for its end. */
  release(): Promise<void>;
}

export interface SenderLeaseOptions {
  readonly store: KeyValueStore;
  readonly subscriptionId: string;
  /** A name nobody else holds it by. */
  readonly holder: string;
  /** Milliseconds it lasts unless it is renewed. */
  readonly leaseMs: number;
  readonly onError: (error: unknown) => void;
}

const PREFIX = 'events/sender/';

/** Time is the monotonic clock's here and the store's there: it is counted from before the store was asked, so that it ends here first. */
export function createSenderLease({ store, subscriptionId, holder, leaseMs, onError }: SenderLeaseOptions): SenderLease {
  const key = PREFIX + subscriptionId;
  let held: { readonly revision: number; readonly until: number } | undefined;
  let renewing: Promise<unknown> = Promise.resolve();
  const isHeld = () => held !== undefined && performance.now() < held.until;

  /** False when another hub has it. */
  const put = async (expected: number) => {
    const until = performance.now() + leaseMs;
    try {
      const { revision } = await store.put(key, { holder }, { expected, ttlMs: leaseMs });
      held = { revision, until };
      return true;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      held = undefined;
      return false;
    }
  };
  return {
    get isHeld() {
      return isHeld();
    },
    async hold() {
      await renewing;
      if (held !== undefined && isHeld()) {
        if (held.until - performance.now() > leaseMs / 2) return 'kept';
        if (await put(held.revision)) return 'kept';
      }
      held = undefined;
      const entry = await store.get(key);
      if (entry === undefined) return (await put(0)) ? 'new' : 'elsewhere';
      // Ours after all, when the store did not say what became of a write.
      return isOf(entry, holder) && (await put(entry.revision)) ? 'kept' : 'elsewhere';
    },
    keep(onLost) {
      const timer = setInterval(() => {
        // Once it has run out somebody else may have it.
        if (held === undefined || !isHeld()) return onLost();
        renewing = put(held.revision).then((isOurs) => isOurs || onLost(), onError);
      }, leaseMs / 3);
      return () => clearInterval(timer);
    },
    async release() {
      await renewing;
      const last = held;
      held = undefined;
      if (last === undefined) return;
      try {
        await store.delete(key, { expected: last.revision });
      } catch (error) {
        if (!(error instanceof ConflictError)) onError(error);
      }
    },
  };
}

function isOf({ value }: KeyValueEntry, holder: string): boolean {
  return (value as { readonly holder?: unknown }).holder === holder;
}
