import { createChangeFeed, type IdSource, InvalidInputError } from '@meshwork/core';
import type { Blackboard } from './blackboard.ts';
import type { EntryChange } from './entry.ts';

/** What has changed on the boards of this hub lately, for those who ask and wait. */
export interface BoardNews {
  /** Where the board is now: what comes later is after it. */
  cursor(board: string): string;
  /**
   * Changes after a cursor, oldest first, of each key the last; waits for one until `signal` aborts.
   *
   * @throws {InvalidInputError} when the cursor is none.
   */
  next(board: string, request: NewsRequest): Promise<NewsPage>;
  close(): void;
}

export interface NewsRequest {
  readonly cursor: string;
  readonly limit: number;
  readonly fits: (key: string) => boolean;
  readonly signal: AbortSignal;
}

export interface NewsPage {
  readonly changes: readonly EntryChange[];
  /** Where to go on. */
  readonly cursor: string;
  /** Changes were missed: the cursor is too old, or another hub's, or from before a restart. */
  readonly isReset: boolean;
}

export interface BoardNewsOptions {
  readonly blackboard: Pick<Blackboard, 'boards' | 'board'>;
  readonly ids: IdSource;
  readonly onChange: (board: string, key: string) => void;
  readonly onError: (error: unknown) => void;
  /** Changes kept of each board. */
  readonly kept?: number;
}

/** Holds the latest changes of each board in memory. */
export function createBoardNews({ blackboard, ids, onChange, onError, kept = 10_000 }: BoardNewsOptions): BoardNews {
  const closing = new AbortController();
  const feed = createChangeFeed();
  /** Of this life of this hub: places in the log mean nothing elsewhere. */
  const epoch = ids('news');
  const logs = new Map(blackboard.boards.map((board) => [board, createLog(kept)]));
  const logOf = (board: string) => logs.get(board) ?? createLog(0);
  const listen = async (board: string) => {
    for await (const change of blackboard.board(board).watch('', { signal: closing.signal })) {
      logOf(board).add(change);
      feed.wake();
      onChange(board, change.key);
    }
  };
  for (const board of blackboard.boards) listen(board).catch(onError);
  const cursorAt = (place: number) => `${epoch}.${place.toString(36)}`;

  return {
    cursor: (board) => cursorAt(logOf(board).end()),
    async next(board, { cursor, limit, fits, signal }) {
      const log = logOf(board);
      const place = placeOf(cursor, epoch);
      if (place === undefined || place < log.start() || place > log.end()) return { changes: [], cursor: cursorAt(log.end()), isReset: true };
      let from = place;
      const look = async (): Promise<NewsPage[]> => {
        if (from < log.start()) return [{ changes: [], cursor: cursorAt(log.end()), isReset: true }];
        const { changes, next } = log.read(from, limit, fits);
        from = next;
        return changes.length === 0 ? [] : [{ changes, cursor: cursorAt(next), isReset: false }];
      };
      for await (const page of feed.read(look, signal)) return page;
      return { changes: [], cursor: cursorAt(from), isReset: false };
    },
    close() {
      closing.abort();
      feed.close();
    },
  };
}

function placeOf(cursor: string, epoch: string): number | undefined {
  const end = cursor.lastIndexOf('.');
  const place = cursor.slice(end + 1);
  if (end < 1 || !/^[0-9a-z]{1,11}$/.test(place))
    throw new InvalidInputError('this is no cursor of blackboard_list or blackboard_watch; leave it out to begin anew');
  return cursor.slice(0, end) === epoch ? Number.parseInt(place, 36) : undefined;
}

/** Numbered changes. When a key changes again, its earlier change is no longer told. */
function createLog(kept: number) {
  let items: (EntryChange | undefined)[] = [];
  let start = 0;
  const latest = new Map<string, number>();
  const drop = (count: number) => {
    for (const item of items.slice(0, count)) if (item !== undefined) latest.delete(item.key);
    items = items.slice(count);
    start += count;
  };
  return {
    start: () => start,
    end: () => start + items.length,
    add(change: EntryChange) {
      const before = latest.get(change.key);
      if (before !== undefined) items[before - start] = undefined;
      latest.set(change.key, start + items.length);
      items.push(change);
      if (items.length > 2 * kept) drop(items.length - kept);
    },
    read(from: number, limit: number, fits: (key: string) => boolean) {
      const changes: EntryChange[] = [];
      let next = from;
      for (; next < start + items.length && changes.length < limit; next += 1) {
        const item = items[next - start];
        if (item !== undefined && fits(item.key)) changes.push(item);
      }
      return { changes, next };
    },
  };
}
