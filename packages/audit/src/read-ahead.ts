import type { Journal, JournalRecord } from '@meshwork/core';

/** Records that are asked for at once. */
const WINDOW = 2_000;

/** The records of a stream from one place up to another, oldest first; a part is asked for while the one before is looked at, and no more than two are held. */
export async function* readAhead(journal: Journal, stream: string, from: number, to: number): AsyncGenerator<JournalRecord, void, undefined> {
  const take = async (start: number): Promise<readonly JournalRecord[]> => {
    const found: JournalRecord[] = [];
    if (start > to) return found;
    for await (const record of journal.read(stream, { from: start, limit: Math.min(WINDOW, to - start + 1) })) found.push(record);
    return found;
  };
  let next = take(from);
  for (let start = from; ; start += WINDOW) {
    const found = await next;
    if (found.length === 0) return;
    next = take(start + WINDOW);
    // Whoever stops reading is not to be troubled by it.
    next.catch(() => {});
    for (const record of found) {
      // Where records are missing, those behind come with the next part again.
      if (record.offset >= start + WINDOW || record.offset > to) break;
      yield record;
    }
  }
}
