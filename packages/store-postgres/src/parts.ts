import type { BatchWriter } from './batch-writer.ts';
import type { Reader } from './reader.ts';

/** What both ports work with. */
export interface Parts {
  /** As SQL writes it. */
  readonly schema: string;
  readonly writer: BatchWriter;
  readonly reader: Reader;
  /** Milliseconds since the Unix epoch; undefined: the server's own clock decides. */
  readonly now: () => number | undefined;
}
