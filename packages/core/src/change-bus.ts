import { ClosedError } from './errors.ts';
import { type IdSource, randomIds } from './ids.ts';
import type { Journal } from './journal.ts';
import { pause } from './pause.ts';

/** What one hub tells the others that serve the same resources. */
export interface HubChange {
  readonly type: 'resource-updated';
  readonly uri: string;
}

/**
 * Port: carries changes between hubs, so that a client that listens at one hears of what was changed through another. At most once and in
 * no promised order: a listener is told to look again, not what to see.
 */
export interface ChangeBus {
  /** Tells every other subscriber; whoever published hears nothing of it. Failures are the bus's own to report. */
  publish(change: HubChange): void;
  /** Calls back for what others publish, until the function returned is called. */
  subscribe(listener: (change: HubChange) => void): () => void;
}

/** Joins hubs of one process: each takes its own end. */
export function createMemoryBus(): { join(): ChangeBus } {
  const ends = new Set<{ readonly listeners: Set<(change: HubChange) => void> }>();
  return {
    join() {
      const end = { listeners: new Set<(change: HubChange) => void>() };
      ends.add(end);
      return {
        publish(change) {
          for (const other of ends) if (other !== end) for (const listener of other.listeners) listener(change);
        },
        subscribe(listener) {
          end.listeners.add(listener);
          return () => end.listeners.delete(listener);
        },
      };
    },
  };
}

export interface JournalBusOptions {
  /** The journal that every hub opens. */
  readonly journal: Journal;
  /** Default `core/changes`. */
  readonly stream?: string;
  readonly ids?: IdSource;
  /** Called each time the journal fails. Listening goes on by itself where it was, after a pause that doubles up to five seconds. */
  readonly onError?: (error: unknown) => void;
}

/** Changes kept for hubs that are slow to read; older ones are dropped. */
const KEPT = 1_000;
const SHORTEST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;

/** Joins hubs that share a journal, on whatever machines they are. */
export function createJournalBus({ journal, stream = 'core/changes', ids = randomIds, onError = () => {} }: JournalBusOptions): ChangeBus {
  const from = ids('hub');
  const listeners = new Set<(change: HubChange) => void>();
  let stop: AbortController | undefined;

  /** Follows from the place it has come to, however often the journal fails, until nobody listens or the journal is closed. */
  const listen = async (signal: AbortSignal) => {
    let next: number | undefined;
    for (let waitMs = SHORTEST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      try {
        // A journal that lost its end goes on before the place that was reached.
        const end = (await journal.head(stream)) + 1;
        next = Math.min(next ?? end, end);
        for await (const { offset, value } of journal.follow(stream, { from: next, signal })) {
          next = offset + 1;
          waitMs = SHORTEST_WAIT_MS;
          tell(changeIn(value, from));
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        onError(error);
        if (error instanceof ClosedError) return;
      }
      await pause(waitMs, signal);
    }
  };
  const tell = (change: HubChange | undefined) => {
    if (change === undefined) return;
    for (const listener of listeners) {
      try {
        listener(change);
      } catch (error) {
        onError(error);
      }
    }
  };
  const publish = async (change: HubChange) => {
    const [offset = 0] = await journal.append(stream, [{ from, ...change }]);
    if (offset % KEPT === 0) await journal.trim(stream, offset - KEPT);
  };
  return {
    publish: (change) => void publish(change).catch(onError),
    subscribe(listener) {
      listeners.add(listener);
      if (stop === undefined) {
        stop = new AbortController();
        void listen(stop.signal);
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        stop?.abort();
        stop = undefined;
      };
    },
  };
}

function changeIn(value: unknown, own: string): HubChange | undefined {
  const { from, type, uri } = (value ?? {}) as { from?: unknown; type?: unknown; uri?: unknown };
  return from !== own && type === 'resource-updated' && typeof uri === 'string' ? { type, uri } : undefined;
}
