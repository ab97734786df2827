import type { Board, ReadOptions } from './board.ts';
import type { Entry } from './entry.ts';

export interface PageRequest extends ReadOptions {
  readonly after: string | undefined;
  readonly limit: number;
  /** Characters of JSON, about, after which a page ends. */
  readonly maxLength: number;
  readonly maySee: (key: string) => boolean;
}

export interface VisiblePage {
  readonly entries: readonly Entry[];
  /** The last key here, when there are more that may be seen. */
  readonly next?: string;
}

/** Keys looked at at once. */
const STEP = 500;

/** A page of the keys that may be seen. Nothing in it depends on those that may not: it looks on until it is full, or sees the end. */
export async function visiblePage(board: Board, prefix: string, { after, limit, maxLength, maySee, ...waiting }: PageRequest): Promise<VisiblePage> {
  const entries: Entry[] = [];
  let length = 0;
  let from = after;
  for (let step = Math.min(limit + 1, STEP); ; step = STEP) {
    const looked = await board.list(prefix, { ...waiting, limit: step, ...(from !== undefined && { after: from }) });
    for (const entry of looked) {
      if (!maySee(entry.key)) continue;
      length += (JSON.stringify(entry.value) ?? '').length + entry.key.length;
      const last = entries.at(-1);
      if (last !== undefined && (entries.length === limit || length > maxLength)) return { entries, next: last.key };
      entries.push(entry);
    }
    from = looked.at(-1)?.key;
    if (looked.length < step || from === undefined) return { entries };
    waiting.signal?.throwIfAborted();
  }
}
