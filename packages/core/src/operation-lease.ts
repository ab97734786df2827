import type { KeyValueStore } from './key-value-store.ts';

const PREFIX = 'core/operation-hub/';

/** What says that a hub is alive and works on its operations: a key that expires unless it is renewed. */
export interface OperationLease {
  /** Makes sure that the key is there, and keeps it there until `release`. */
  hold(): Promise<void>;
  release(): Promise<void>;
  /** True when the hub of that name holds its lease. */
  isHeld(hub: string): Promise<boolean>;
}

/** `busy` says whether there is anything to hold it for: an idle hub writes nothing. */
export function createOperationLease(store: KeyValueStore, hub: string, ttlMs: number, busy: () => boolean): OperationLease {
  let renewal: ReturnType<typeof setInterval> | undefined;
  const renew = () => store.put(PREFIX + hub, true, { ttlMs }).then(() => {});
  const onTick = () => {
    if (busy())
      renew().catch(() => {}); // The next tick tries again; whoever finds the lease gone meanwhile takes this hub for dead.
    else stop();
  };
  const stop = () => {
    clearInterval(renewal);
    renewal = undefined;
  };
  return {
    async hold() {
      if (renewal !== undefined) return;
      await renew();
      renewal ??= inBackground(setInterval(onTick, ttlMs / 3));
    },
    async release() {
      stop();
      await store.delete(PREFIX + hub);
    },
    isHeld: async (other) => (await store.get(PREFIX + other)) !== undefined,
  };
}

/** A timer that does not keep a process running, where there is such a thing. */
export function inBackground<T>(timer: T): T {
  (timer as { unref?: () => void }).unref?.();
  return timer;
}
