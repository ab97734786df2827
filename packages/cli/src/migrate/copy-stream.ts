import { ConflictError, type PastRecord, type Store } from '@meshwork/core';
import { contentOf } from './both-keys.ts';

export interface CopyStreamOptions {
  readonly from: Store;
  readonly to: Store;
  readonly stream: string;
  /** Told how many more records were copied. */
  readonly onRecords: (count: number) => void;
}

const RECORDS_AT_ONCE = 500;
const BYTES_AT_ONCE = 4_000_000;
const BLANKS_AT_ONCE = 5_000;

/**
 * Makes the target's stream that of the source, with the same offsets and, where the target can keep them, times. A journal begins at 1 and has no gaps; so where the source was trimmed, blank
 * records take the place of the dropped ones, and are trimmed too. Every append expects the one before: one that went through twice is refused.
 */
export async function copyStream({ from, to, stream, onRecords }: CopyStreamOptions): Promise<void> {
  const head = await from.head(stream);
  const first = (await firstOffset(from, stream)) ?? head + 1;
  let end = await to.head(stream);
  if (end > head) throw new ConflictError(`the stream ${JSON.stringify(stream)} is longer in the target than in the source; choose an empty target`);
  while (end < first - 1) {
    const blanks = Math.min(BLANKS_AT_ONCE, first - 1 - end);
    await to.append(stream, Array.from({ length: blanks }).fill(null) as null[], { expected: end });
    end += blanks;
  }
  if (first > 1) await to.trim(stream, first);

  let batch: PastRecord[] = [];
  let bytes = 0;
  const flush = async () => {
    if (batch.length === 0) return;
    if (to.appendPast !== undefined) await to.appendPast(stream, batch, { expected: end });
    else
      await to.append(
        stream,
        batch.map(({ value }) => value),
        { expected: end },
      );
    end += batch.length;
    onRecords(batch.length);
    batch = [];
    bytes = 0;
  };
  for await (const { time, value } of from.read(stream, { from: end + 1 })) {
    batch.push({ time: Math.floor(time), value });
    bytes += contentOf(value).length;
    if (batch.length >= RECORDS_AT_ONCE || bytes >= BYTES_AT_ONCE) await flush();
  }
  await flush();
}

async function firstOffset(store: Store, stream: string): Promise<number | undefined> {
  for await (const { offset } of store.read(stream, { limit: 1 })) return offset;
  return undefined;
}
