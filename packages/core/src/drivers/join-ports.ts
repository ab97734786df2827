import type { Journal } from '../journal.ts';
import type { KeyValueStore, Store } from '../key-value-store.ts';

/** For drivers: the store that the two ports of one engine make, with nothing of the engine's own in it. `close` closes both and what they stand on. */
export function joinPorts(keys: KeyValueStore, journal: Journal, close: () => Promise<void>): Store & AsyncDisposable {
  const { get, put, delete: remove, list, watch } = keys;
  const { append, appendPast, read, follow, head, streams, trim } = journal;
  const ports = { get, put, delete: remove, list, watch, append, ...(appendPast && { appendPast }), read, follow, head, streams, trim };
  return { ...ports, close, [Symbol.asyncDispose]: close };
}
