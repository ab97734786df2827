import type { RecordedEvent } from './cloud-event.ts';
import type { EventLog } from './event-log.ts';
import { compileFilter, type EventFilter } from './filter.ts';
import type { CanSee, Viewer } from './visibility.ts';

export interface EventQuery {
  readonly filter?: EventFilter;
  /** Recorded at this time or later, in milliseconds since the Unix epoch. */
  readonly since?: number;
  /** Recorded before this time. */
  readonly until?: number;
  /** Default `newest`. */
  readonly order?: 'newest' | 'oldest';
  /** An offset to start from, itself included. Default: the newest, or the oldest. */
  readonly from?: number;
  /** Default 100. */
  readonly limit?: number;
}

export interface EventPage {
  readonly events: readonly RecordedEvent[];
  /** `from` of the next page; absent when there is nothing behind. A page may be short, or empty, and still have one behind it. */
  readonly next?: number;
}

/** Characters of JSON after which a page ends. */
export const MOST_CHARACTERS = 1_000_000;
/** Events that one page looks at, at most: a filter that hardly anything fits keeps nobody busy for long. */
const SCAN = 10_000;

/** A page of the events that fit and that the viewer may see. Times are looked up by halving, not by reading. */
export async function search(log: EventLog, canSee: CanSee, viewer: Viewer, query: EventQuery): Promise<EventPage> {
  const { filter = {}, since, until, order = 'newest', limit = 100 } = query;
  const fits = compileFilter(filter);
  const first = since === undefined ? 1 : await log.offsetAt(since);
  const end = until === undefined ? (await log.head()) + 1 : await log.offsetAt(until);
  const isNewest = order === 'newest';
  const start = isNewest ? Math.min(query.from ?? end - 1, end - 1) : Math.max(query.from ?? first, first);
  const events: RecordedEvent[] = [];
  let scanned = 0;
  let characters = 0;
  for await (const record of isNewest ? log.before(start + 1) : log.from(start)) {
    if (isNewest ? record.offset < first : record.offset >= end) break;
    if (events.length >= limit || scanned >= SCAN || characters >= MOST_CHARACTERS) return { events, next: record.offset };
    scanned += 1;
    if (!fits(record.event) || !canSee(viewer, record.event)) continue;
    characters += JSON.stringify(record.event).length;
    events.push(record);
  }
  return { events };
}
