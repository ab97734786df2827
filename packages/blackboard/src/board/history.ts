import type { Journal } from '@meshwork/core';
import type { Entry } from '../entry.ts';

/** The latest changes of a board's keys, on disk, bounded. A crash may leave out the last of them. */
export interface History {
  add(entries: readonly Entry[]): void;
  /** Newest first. */
  of(key: string, limit: number): Promise<readonly Entry[]>;
  /** Waits until what was added is on disk, or given up. */
  close(): Promise<void>;
}

export interface HistoryOptions {
  readonly journal: Journal;
  readonly stream: string;
  /** Changes that are kept. */
  readonly length: number;
  readonly onError: (error: unknown) => void;
}

/** The journal's `JsonValue` has no room for readonly members; the entry is JSON. */
type Kept = Parameters<Journal['append']>[1][number];

/** Milliseconds for which changes are gathered into one append: at once, each write would be two commits, and wait beside the second on its way to the peers. */
const GATHER_MS = 100;

export function createHistory({ journal, stream, length, onError }: HistoryOptions): History {
  let waiting: Entry[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> | undefined;
  let trimmed = 0;
  const write = async () => {
    const taken = waiting;
    waiting = [];
    try {
      const offsets = await journal.append(
        stream,
        taken.map((entry) => JSON.parse(JSON.stringify(entry)) as Kept),
      );
      const last = offsets.at(-1) ?? 0;
      // Now and then is enough: up to a quarter more stays for a while.
      if (last - trimmed > length * 1.25) {
        trimmed = last - length;
        await journal.trim(stream, trimmed + 1);
      }
    } catch (error) {
      onError(error);
    }
  };
  const start = () => {
    clearTimeout(timer);
    timer = undefined;
    running = write().finally(() => {
      running = undefined;
      if (waiting.length > 0) gather();
    });
  };
  const gather = () => {
    if (timer !== undefined || running !== undefined) return;
    timer = setTimeout(start, GATHER_MS);
    (timer as { unref?: () => void }).unref?.();
  };
  /** Until what was added is on disk, or given up. */
  const settle = async () => {
    await running;
    if (waiting.length > 0 && running === undefined) start();
    await running;
  };
  return {
    add(entries) {
      if (length === 0 || entries.length === 0) return;
      for (const entry of entries) waiting.push(entry);
      if (waiting.length > length) waiting = waiting.slice(-length);
      gather();
    },
    async of(key, limit) {
      await settle();
      const found: Entry[] = [];
      const head = await journal.head(stream);
      for await (const { value } of journal.read(stream, { from: Math.max(1, head - length + 1) })) {
        const entry = value as unknown as Entry;
        if (entry.key === key) found.push(entry);
      }
      return found.reverse().slice(0, limit);
    },
    close: settle,
  };
}
