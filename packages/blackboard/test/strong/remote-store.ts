import { type KeyValueStore, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import type { Machine } from '@meshwork/testing/simulation';

/**
 * A linearizable store somewhere else, to which calls are slow, and fail: before they did anything, or after; and now and then what was given up arrives later.
 */
export function remoteStore(store: KeyValueStore, { random }: Machine): KeyValueStore {
  const travel = (longestMs: number) => new Promise<void>((resolve) => void setTimeout(resolve, random.between(1, longestMs)));
  const away = () => new UnavailableError('the store is away');
  const call = async <T>(work: () => Promise<T>, lost: () => Error): Promise<T> => {
    await travel(40);
    if (random.chance(0.05)) throw away();
    if (random.chance(0.03)) {
      void travel(1_000).then(() => work().catch(() => {}));
      throw lost();
    }
    const result = await work();
    await travel(40);
    if (random.chance(0.05)) throw lost();
    return result;
  };
  return {
    ...store,
    durability: 'durable',
    get: (key) => call(() => store.get(key), away),
    put: (key, value, options) =>
      call(
        () => store.put(key, value, options),
        () => new UnknownOutcomeError('the answer of the store is lost'),
      ),
    async *list(prefix, options) {
      await call(async () => {}, away);
      yield* store.list(prefix, options);
    },
  };
}
