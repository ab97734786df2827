import { type Clock, ClosedError, NotFoundError } from '@meshwork/core';
import type { Bell } from './bell.ts';
import type { Delivery, Taken } from './deliverer.ts';
import type { Progress, Released, Settlement } from './progress.ts';

/** An attempt that failed. */
interface Attempt {
  /** Milliseconds until the event is handed out again. */
  readonly retryInMs: number;
  readonly reason: string;
  /** False: it was given up by us and says nothing of the receiver. Default true. */
  readonly isCounted?: boolean;
}

export interface ConsumeOptions {
  readonly take: () => Promise<Taken>;
  readonly settle: (settlement: Settlement) => Promise<{ progress: Progress }>;
  /** `undefined`: it is done with. */
  readonly attempt: (delivery: Delivery) => Promise<Attempt | undefined>;
  /** Called after what was handed out was settled. */
  readonly onSettled?: (progress: Progress) => Promise<void> | void;
  /** True: events are attempted side by side. False: one after another, and none of a source whose last attempt failed. */
  readonly isParallel: boolean;
  readonly bell: Bell;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

/** Longest wait before it looks again whether there is something due, should a ring be lost between machines. */
const IDLE_MS = 30_000;
/** Before it looks again while others have events: what they give back rings on no other machine. */
const ELSEWHERE_MS = 1_000;
/** After a failure of the store. */
const PAUSE_MS = 1_000;
/** How long acknowledgements of a batch may be gathered before they are put on record. */
const GATHER_MS = 200;

/** Takes and settles until the signal aborts, or the subscription or its store is gone. */
export async function consume(options: ConsumeOptions): Promise<void> {
  const { take, bell, clock, signal, onError } = options;
  while (!signal.aborted) {
    const { rings } = bell;
    try {
      const { deliveries, dueAt, hasMore, isElsewhere } = await take();
      if (deliveries.length > 0) await work(deliveries, options);
      else if (!hasMore) {
        const untilDueMs = dueAt === undefined ? IDLE_MS : dueAt - clock.now();
        await bell.wait(rings, Math.min(Math.max(untilDueMs, 1), isElsewhere ? ELSEWHERE_MS : IDLE_MS), signal);
      }
    } catch (error) {
      if (error instanceof NotFoundError || error instanceof ClosedError) return;
      onError(error);
      await bell.wait(bell.rings, PAUSE_MS, signal);
    }
  }
}

async function work(deliveries: readonly Delivery[], { settle, attempt, onSettled, isParallel, clock, signal }: ConsumeOptions): Promise<void> {
  let acknowledged: number[] = [];
  let released: Released[] = [];
  let failure: string | undefined;
  let settledAt = clock.now();
  const stopped = new Set<string>();

  const flush = async () => {
    if (acknowledged.length === 0 && released.length === 0) return;
    const settlement = { acknowledged, released, ...(failure !== undefined && { failure }) };
    acknowledged = [];
    released = [];
    failure = undefined;
    const { progress } = await settle(settlement);
    settledAt = clock.now();
    await onSettled?.(progress);
  };
  const one = async (delivery: Delivery) => {
    const { offset, event } = delivery;
    if (signal.aborted || (!isParallel && stopped.has(event.source))) {
      released.push({ offset, isCounted: false });
      return;
    }
    // Handed out to somebody else by now.
    if (clock.now() >= delivery.dueAt) return;
    const failed = await attempt(delivery);
    if (failed === undefined) acknowledged.push(offset);
    else {
      const { isCounted = true } = failed;
      stopped.add(event.source);
      released.push({ offset, delayMs: failed.retryInMs, isCounted });
      if (isCounted) failure = failed.reason;
    }
  };

  if (isParallel) await Promise.all(deliveries.map(one));
  else
    for (const delivery of deliveries) {
      await one(delivery);
      if (clock.now() - settledAt >= GATHER_MS) await flush();
    }
  await flush();
}
