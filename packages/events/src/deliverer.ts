import type { Clock, Journal, JsonObject } from '@meshwork/core';
import type { RecordedEvent } from './cloud-event.ts';
import type { EventLog } from './event-log.ts';
import { compileFilter, type EventFilter, type EventTest } from './filter.ts';
import { choose, handedOut, type Pending, type Progress, putBack, reclaim, type Settlement, settle } from './progress.ts';
import { MOST_CHARACTERS } from './search.ts';
import type { Subscription } from './subscription.ts';
import type { SubscriptionBook } from './subscription-book.ts';
import type { CanSee, Viewer } from './visibility.ts';

/** An event in somebody's hands. */
export interface Delivery extends RecordedEvent {
  /** 1 for the first time. */
  readonly delivery: number;
  /** When it is handed out again unless it is acknowledged before, in milliseconds since the Unix epoch. */
  readonly dueAt: number;
}

export interface Taken {
  readonly deliveries: readonly Delivery[];
  /** When something that is pending becomes due, in milliseconds since the Unix epoch; absent when nothing is pending. */
  readonly dueAt?: number;
  /** True when a part of the log was looked at and there is more behind it. */
  readonly hasMore: boolean;
  /** True when something is in the hands of somebody else, who may give it back before it is due. */
  readonly isElsewhere: boolean;
}

/** An event that was handed out as often as may be. */
export interface DeadLetter {
  readonly offset: number;
  readonly deliveries: number;
  readonly event: RecordedEvent['event'];
}

/** Hands out what is in the log to durable subscriptions, and takes back what became of it. */
export interface Deliverer {
  /** Up to `limit` events that are due. What is handed out is on record before it is. @throws {NotFoundError} */
  take(subscription: Subscription, viewer: Viewer, limit: number): Promise<Taken>;
  /** How many of the offsets were pending, and the progress since. @throws {NotFoundError} */
  settle(subscription: Subscription, settlement: Settlement): Promise<{ settled: number; progress: Progress }>;
  /**
   * Whether a `take` would find nothing now, said without writing: what is pending waits for its time, and the log has nothing it has not looked at.
   *
   * @throws {NotFoundError}
   */
  isQuiet(subscription: Subscription): Promise<{ readonly isQuiet: boolean; readonly dueAt?: number }>;
  /** Makes what is out due at once: for whoever knows that those who had it are gone. @throws {NotFoundError} */
  reclaim(subscription: Subscription): Promise<void>;
  /** Starts again from an offset; what was pending is given up, for it comes again if it is behind it. */
  rewind(subscription: Subscription, offset: number): Promise<void>;
  /** Hands dead letters out again, each once, as many as there is room for; says how many, and how many are left. */
  replayDead(subscription: Subscription): Promise<{ replayed: number; left: number }>;
  /** The dead letters' own stream. */
  deadLettersOf(subscription: Pick<Subscription, 'id'>): string;
  /** Drops all its dead letters. */
  dropDead(subscription: Subscription): Promise<void>;
  /** How many dead letters are kept. */
  countDead(subscription: Subscription): Promise<number>;
}

/** Records of the log that one `take` looks at, at most. */
const SCAN = 2_000;
/** And at once. */
const PAGE = 500;

export function createDeliverer(parts: { log: EventLog; journal: Journal; book: SubscriptionBook; canSee: CanSee; clock: Clock }): Deliverer {
  const { log, journal, book, canSee, clock } = parts;
  const compiled = new WeakMap<EventFilter, EventTest>();
  const deadLettersOf = ({ id }: Pick<Subscription, 'id'>) => `events/dead/${id}`;
  /** What the log has dropped may still be among the dead letters. */
  const letterAt = async (subscription: Subscription, { offset, letter }: Pending): Promise<RecordedEvent | undefined> => {
    if (letter === undefined) return undefined;
    for await (const { offset: found, time, value } of journal.read(deadLettersOf(subscription), { from: letter, limit: 1 }))
      return found === letter ? { offset, recordedAt: time, event: (value as unknown as DeadLetter).event } : undefined;
    return undefined;
  };

  /** Reads on in the log until as many are pending as may be. */
  const fill = async (progress: Progress, { filter, maxInFlight }: Subscription, viewer: Viewer, bodies: Map<number, RecordedEvent>) => {
    if (progress.pending.length >= maxInFlight) return { progress, hasMore: false };
    const fits = compiled.get(filter) ?? compileFilter(filter);
    compiled.set(filter, fits);
    const pending = [...progress.pending];
    let { next } = progress;
    let scanned = 0;
    // As few as there is room for at first; more at a time where hardly anything fits.
    let chunk = maxInFlight - pending.length;
    let isEnd = false;
    while (!isEnd && pending.length < maxInFlight && scanned < SCAN) {
      let read = 0;
      for await (const record of log.from(next, chunk)) {
        read += 1;
        scanned += 1;
        next = record.offset + 1;
        if (fits(record.event) && canSee(viewer, record.event)) {
          pending.push({ offset: record.offset, source: record.event.source, deliveries: 0, dueAt: 0, isOut: false });
          bodies.set(record.offset, record);
        }
        if (pending.length >= maxInFlight) break;
      }
      isEnd = read < chunk;
      chunk = Math.min(chunk * 2, PAGE);
    }
    return { progress: scanned === 0 ? progress : { ...progress, next, pending }, hasMore: scanned >= SCAN };
  };

  return {
    deadLettersOf,
    take(subscription, viewer, limit) {
      const bodies = new Map<number, RecordedEvent>();
      const buried = new Set<number>();
      return book.move(subscription, async (before) => {
        const now = clock.now();
        const { progress, hasMore } = await fill(before, subscription, viewer, bodies);
        const { take, dead } = choose(progress.pending, subscription, { now, limit });
        const bodyOf = async (entry: Pending) => bodies.get(entry.offset) ?? (await log.at(entry.offset)) ?? letterAt(subscription, entry);
        const gone = new Set<number>();
        for (const entry of dead) {
          const body = await bodyOf(entry);
          gone.add(entry.offset);
          if (body === undefined || buried.has(entry.offset)) continue;
          const letter: DeadLetter = { offset: entry.offset, deliveries: entry.deliveries, event: body.event };
          await journal.append(deadLettersOf(subscription), [letter as unknown as JsonObject]);
          buried.add(entry.offset);
        }
        const out = new Map<number, Pending>();
        const deliveries: Delivery[] = [];
        let characters = 0;
        for (const entry of take) {
          if (characters >= MOST_CHARACTERS) break;
          const body = await bodyOf(entry);
          // Trimmed meanwhile, or no longer for these eyes.
          if (body === undefined || !canSee(viewer, body.event)) {
            gone.add(entry.offset);
            continue;
          }
          const handed = handedOut(entry, subscription, now);
          characters += JSON.stringify(body.event).length;
          out.set(entry.offset, handed);
          deliveries.push({ ...body, delivery: handed.deliveries, dueAt: handed.dueAt });
        }
        const pending = progress.pending.filter(({ offset }) => !gone.has(offset)).map((entry) => out.get(entry.offset) ?? entry);
        const isChanged = progress !== before || gone.size > 0 || out.size > 0;
        const isElsewhere = pending.some(({ offset, isOut }) => isOut && !out.has(offset));
        return {
          progress: isChanged ? { ...progress, pending } : before,
          outcome: { deliveries, hasMore: hasMore || gone.size > 0, isElsewhere, ...(pending.length > 0 && { dueAt: dueOf(pending) }) },
        };
      });
    },
    settle: (subscription, settlement) =>
      book.move(subscription, async (before) => {
        const known = new Set(before.pending.map(({ offset }) => offset));
        const named = new Set([...(settlement.acknowledged ?? []), ...(settlement.released ?? []).map(({ offset }) => offset)]);
        const settled = [...named].filter((offset) => known.has(offset)).length;
        const progress = settled === 0 && settlement.failure === undefined ? before : settle(before, settlement, clock.now());
        return { progress, outcome: { settled, progress } };
      }),
    async isQuiet(subscription) {
      const { next, pending } = await book.progressOf(subscription);
      const now = clock.now();
      const isWaiting = pending.every(({ dueAt, isOut }) => !isOut && dueAt > now);
      const isQuiet = isWaiting && (pending.length >= subscription.maxInFlight || (await log.head()) < next);
      return { isQuiet, ...(pending.length > 0 && { dueAt: dueOf(pending) }) };
    },
    reclaim: (subscription) => book.move(subscription, async (before) => ({ progress: reclaim(before, clock.now()), outcome: undefined })),
    rewind: (subscription, offset) =>
      book.move(subscription, async (before) => ({ progress: { ...before, next: Math.max(1, offset), pending: [] }, outcome: undefined })),
    replayDead: (subscription) =>
      book.move(subscription, async (before) => {
        const stream = deadLettersOf(subscription);
        const room = subscription.maxInFlight - before.pending.length;
        const found: Pick<Pending, 'offset' | 'source' | 'letter'>[] = [];
        let last = before.deadReplayed;
        // One more than there is room for: what was dropped is not left.
        for await (const { offset, value } of journal.read(stream, { from: last + 1, limit: room + 1 })) {
          if (found.length === room)
            return { progress: replayed(before, found, last), outcome: { replayed: room, left: (await journal.head(stream)) - offset + 1 } };
          const letter = value as unknown as DeadLetter;
          found.push({ offset: letter.offset, source: letter.event.source, letter: offset });
          last = offset;
        }
        return { progress: replayed(before, found, last), outcome: { replayed: found.length, left: 0 } };
      }),
    async dropDead(subscription) {
      const stream = deadLettersOf(subscription);
      const head = await journal.head(stream);
      if (head > 0) await journal.trim(stream, head + 1);
    },
    async countDead(subscription) {
      const stream = deadLettersOf(subscription);
      for await (const { offset } of journal.read(stream, { limit: 1 })) return (await journal.head(stream)) - offset + 1;
      return 0;
    },
  };
}

function dueOf(pending: readonly Pending[]): number {
  return pending.reduce((least, { dueAt }) => Math.min(least, dueAt), Number.POSITIVE_INFINITY);
}

function replayed(progress: Progress, found: readonly Pick<Pending, 'offset' | 'source' | 'letter'>[], last: number): Progress {
  return found.length === 0 ? progress : { ...putBack(progress, found), deadReplayed: last };
}
