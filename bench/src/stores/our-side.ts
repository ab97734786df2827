import type { Store } from '@meshwork/core';
import type { Side } from './side.ts';

/** Any store of ours. */
export function ourSide(store: Store, callers: number): Side {
  return { put: (key, value) => store.put(key, value), append: (value) => store.append('log', [value]), callers, close: () => store.close() };
}
