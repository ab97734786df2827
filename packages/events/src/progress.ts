import type { DeliveryRules } from './subscription.ts';

/** An event that was read from the log for a subscription and is not done with. */
export interface Pending {
  readonly offset: number;
  readonly source: string;
  /** How often it was handed out. */
  readonly deliveries: number;
  /** When it may be handed out (again), in milliseconds since the Unix epoch. */
  readonly dueAt: number;
  /** True while somebody has it and has not said what became of it. */
  readonly isOut: boolean;
  /** Its place among the dead letters, when it was brought back from there: it is found there after the log has dropped it. */
  readonly letter?: number;
}

/** How far a subscription has come. */
export interface Progress {
  /** The offset of the log that it looks at next. */
  readonly next: number;
  /** In the order of the log. */
  readonly pending: readonly Pending[];
  /** The offset up to which its dead letters were replayed. */
  readonly deadReplayed: number;
  /** Since when every delivery of its webhook has failed, in milliseconds since the Unix epoch. */
  readonly failingSince?: number;
  readonly lastFailure?: string;
  /** How many events the log dropped before they were acknowledged, because it keeps no more. */
  readonly lost?: number;
  /** The latest time that was so, in milliseconds since the Unix epoch. */
  readonly lostAt?: number;
}

export interface Choice {
  readonly take: readonly Pending[];
  /** Handed out as often as may be, and never acknowledged. */
  readonly dead: readonly Pending[];
}

/** Pure: which events are handed out now. In the order `source` one that is not done with keeps back those of its source behind it. */
export function choose(pending: readonly Pending[], { order, maxDeliveries }: DeliveryRules, { now, limit }: { now: number; limit: number }): Choice {
  const take: Pending[] = [];
  const dead: Pending[] = [];
  const heldSources = new Set<string>();
  for (const entry of pending) {
    const isDue = entry.dueAt <= now;
    if (isDue && entry.deliveries >= maxDeliveries) dead.push(entry);
    else if (isDue && take.length < limit && !(order === 'source' && heldSources.has(entry.source))) take.push(entry);
    else heldSources.add(entry.source);
  }
  return { take, dead };
}

const LONGEST_WAIT_MS = 3_600_000;

/** Pure: an entry as it is once it has been handed out. */
export function handedOut(entry: Pending, { ackWaitMs }: DeliveryRules, now: number): Pending {
  const waitMs = Math.max(ackWaitMs, Math.min(ackWaitMs * 2 ** entry.deliveries, LONGEST_WAIT_MS));
  return { ...entry, deliveries: entry.deliveries + 1, dueAt: now + waitMs, isOut: true };
}

/** What became of events that were handed out. */
export interface Settlement {
  /** Offsets of those that are done with. */
  readonly acknowledged?: readonly number[];
  readonly released?: readonly Released[];
  /** Why the last one failed, for whoever looks after a webhook. */
  readonly failure?: string;
}

export interface Released {
  readonly offset: number;
  /** Milliseconds until it may be handed out again. Default 0. */
  readonly delayMs?: number;
  /** False: it was not tried, and counts as not handed out. Default true. */
  readonly isCounted?: boolean;
}

/**
 * Pure: progress after a settlement. Offsets that are not pending are passed over, so that settling twice is settling once. When a webhook
 * works again, what waits for its next attempt is due at once.
 */
export function settle(progress: Progress, { acknowledged = [], released = [], failure }: Settlement, now: number): Progress {
  const done = new Set(acknowledged);
  const back = new Map(released.map((release) => [release.offset, release]));
  const isWellAgain = acknowledged.length > 0 && progress.failingSince !== undefined;
  const pending = progress.pending
    .filter(({ offset }) => !done.has(offset))
    .map((entry) => {
      const release = back.get(entry.offset);
      if (release === undefined) return isWellAgain && !entry.isOut && entry.deliveries > 0 ? { ...entry, dueAt: now } : entry;
      const deliveries = release.isCounted === false ? Math.max(0, entry.deliveries - 1) : entry.deliveries;
      return { ...entry, deliveries, dueAt: now + (release.delayMs ?? 0), isOut: false };
    });
  const { failingSince, lastFailure, ...rest } = progress;
  if (failure === undefined && acknowledged.length > 0) return { ...rest, pending };
  const since = failingSince ?? (failure === undefined ? undefined : now);
  const last = failure ?? lastFailure;
  return { ...rest, pending, ...(since !== undefined && { failingSince: since }), ...(last !== undefined && { lastFailure: last }) };
}

/** Pure: puts events back among the pending ones, as if they were new. */
export function putBack(progress: Progress, entries: readonly Pick<Pending, 'offset' | 'source' | 'letter'>[]): Progress {
  const known = new Set(progress.pending.map(({ offset }) => offset));
  const added = entries.filter(({ offset }) => !known.has(offset)).map((entry) => ({ ...entry, deliveries: 0, dueAt: 0, isOut: false }));
  return { ...progress, pending: [...progress.pending, ...added].sort((a, b) => a.offset - b.offset) };
}

/** Pure: gives back at once what is out, in place of whoever had it and is gone. It was handed out, and counts so. */
export function reclaim(progress: Progress, now: number): Progress {
  if (!progress.pending.some(({ isOut }) => isOut)) return progress;
  return { ...progress, pending: progress.pending.map((entry) => (entry.isOut ? { ...entry, isOut: false, dueAt: now } : entry)) };
}

/** Pure: progress once the log begins at `before`, where so many events of those it had not looked at yet were for the subscription. */
export function overtaken(progress: Progress, { before, unread, now }: { before: number; unread: number; now: number }): Progress {
  const pending = progress.pending.filter(({ offset, letter }) => offset >= before || letter !== undefined);
  const lost = unread + progress.pending.length - pending.length;
  const moved = { ...progress, next: Math.max(progress.next, before), pending };
  return lost === 0 ? moved : { ...moved, lost: (progress.lost ?? 0) + lost, lostAt: now };
}
