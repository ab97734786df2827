import type { BatchWriter } from './batch-writer.ts';
import type { Reader } from './reader.ts';
import type { StoreKeys } from './store-keys.ts';

/** What both ports work with. */
export interface Parts {
  readonly keys: StoreKeys;
  readonly writer: BatchWriter;
  readonly reader: Reader;
  /** Milliseconds since the Unix epoch; undefined: the server's own clock decides. */
  readonly now: () => number | undefined;
}
