import { type Clock, type Journal, NotFoundError } from '@meshwork/core';
import { createEventLog, type EventLog } from './event-log.ts';
import { compileFilter } from './filter.ts';
import { overtaken } from './progress.ts';
import type { Subscription } from './subscription.ts';
import type { SubscriptionBook } from './subscription-book.ts';
import type { CanSee } from './visibility.ts';

/** How much of the log, and of the dead letters of each subscription, is kept. What either says may go, goes, whoever has not had it. */
export interface Retention {
  /** Events recorded, and dead letters buried, longer ago than so many milliseconds go. */
  readonly maxAgeMs?: number;
  /** All but so many of the newest go. */
  readonly maxEvents?: number;
  /** Milliseconds between one look and the next. Default 60,000. */
  readonly everyMs?: number;
}

/** What a trim did. */
export interface Trimmed {
  /** Events dropped from the log by it. */
  readonly dropped: number;
  /** The first event that is kept. */
  readonly keptFrom: number;
}

/** What the log dropped before a subscription had it. */
export interface Loss {
  readonly events: number;
  /** The first event that is kept. */
  readonly keptFrom: number;
}

export interface TrimParts {
  readonly log: EventLog;
  readonly journal: Journal;
  readonly book: SubscriptionBook;
  readonly deadLettersOf: (subscription: Subscription) => string;
  readonly canSee: CanSee;
  readonly clock: Clock;
  /** Called for each subscription that loses events, before they are dropped. */
  readonly onLoss: (subscription: Subscription, loss: Loss) => Promise<unknown>;
}

/** Events one step looks at for a subscription that has fallen behind. */
const STEP = 5_000;

/**
 * Drops what the retention lets go. Subscriptions that have not had it are told first, and pass over it: a crash in between leaves too much in the
 * log, never a loss that is not on record. Several hubs may do this at once.
 */
export async function trimEvents(parts: TrimParts, retention: Retention, signal: AbortSignal): Promise<Trimmed> {
  const { log, journal, book, deadLettersOf } = parts;
  const first = (await log.oldest()) ?? (await log.head()) + 1;
  const cut = await cutOf(log, retention, parts.clock.now());
  for await (const subscription of book.list()) {
    if (signal.aborted) return { dropped: 0, keptFrom: first };
    await trimLog(createEventLog(journal, deadLettersOf(subscription)), retention, parts.clock.now());
    if (cut <= first) continue;
    const events = await overtake(parts, subscription, cut, signal).catch(zeroIfGone);
    if (events > 0) await parts.onLoss(subscription, { events, keptFrom: cut });
  }
  if (cut <= first || signal.aborted) return { dropped: 0, keptFrom: first };
  await log.trim(cut);
  return { dropped: cut - first, keptFrom: cut };
}

async function trimLog(log: EventLog, retention: Retention, now: number): Promise<void> {
  const first = await log.oldest();
  if (first === undefined) return;
  const cut = await cutOf(log, retention, now);
  if (cut > first) await log.trim(cut);
}

/** The first offset that is to be kept. */
async function cutOf(log: EventLog, { maxAgeMs, maxEvents }: Retention, now: number): Promise<number> {
  const byAge = maxAgeMs === undefined ? 1 : await log.offsetAt(now - maxAgeMs);
  const byCount = maxEvents === undefined ? 1 : (await log.head()) - maxEvents + 1;
  return Math.max(byAge, byCount, 1);
}

/** Moves a subscription past the cut, a step at a time, and says how many events it loses. */
async function overtake({ log, book, canSee, clock }: TrimParts, subscription: Subscription, cut: number, signal: AbortSignal): Promise<number> {
  const fits = compileFilter(subscription.filter);
  let lost = 0;
  while (!signal.aborted) {
    const step = await book.move(subscription, async (before) => {
      if (before.next >= cut && before.pending.every(({ offset }) => offset >= cut)) return { progress: before, outcome: { lost: 0, isDone: true } };
      let [read, unread, end] = [0, 0, before.next];
      if (before.next < cut)
        for await (const { offset, event } of log.from(before.next, STEP)) {
          if (offset >= cut) break;
          read += 1;
          end = offset + 1;
          if (fits(event) && canSee(subscription.viewer, event)) unread += 1;
        }
      const isDone = read < STEP;
      const progress = overtaken(before, { before: isDone ? cut : end, unread, now: clock.now() });
      return { progress, outcome: { lost: (progress.lost ?? 0) - (before.lost ?? 0), isDone } };
    });
    lost += step.lost;
    if (step.isDone) break;
  }
  return lost;
}

/** Of a subscription that was removed meanwhile. */
function zeroIfGone(error: unknown): number {
  if (error instanceof NotFoundError) return 0;
  throw error;
}
