import { UnavailableError } from '@meshwork/core';
import type { Replica } from '../replica/replica.ts';
import { type Context, emptyCloud } from '../state/context.ts';

/** When a replica summed up what it had. What it showed of it is on disk. */
export interface Moment {
  /** Its name then: under another one it has other writes. */
  readonly replica: string;
  /** What it had seen. */
  readonly context: Context;
  readonly sums: Uint32Array;
}

/** The moments of one replica at which others compared it with themselves. */
export interface Moments {
  /** The replica as it is, once that is on disk. @throws {UnavailableError} when it takes another name meanwhile, or its store fails. */
  now(buckets: number): Promise<Moment>;
  /** A name for a moment, by which a peer comes back to it. */
  keep(moment: Moment): string;
  /** @throws {UnavailableError} when it is forgotten, or the replica has another name since. */
  of(comparison: string): Moment;
}

/** Moments that are kept: whoever pushes a whole state compares shortly before. */
const MOST_KEPT = 64;
const noSums = new Uint32Array();

export function createMoments(replica: Replica): Moments {
  const kept = new Map<string, Moment>();
  let last: { readonly edition: number; readonly sums: Uint32Array } | undefined;
  let count = 0;
  const sumsOf = (buckets: number): Uint32Array => {
    const { edition } = replica;
    // Of an edition that is over nobody asks again, and who asks for other buckets has another size.
    if (last?.edition !== edition || last.sums.length !== buckets * 2) last = { edition, sums: replica.state.summary(buckets) };
    return last.sums;
  };
  return {
    async now(buckets) {
      const { state } = replica;
      const { vector, cloud } = state.context;
      const moment = { replica: state.replica, context: { vector, cloud: cloud.size === 0 ? emptyCloud : cloud }, sums: sumsOf(buckets) };
      await replica.settled();
      if (replica.state !== state) throw new UnavailableError('the replica took another name while it was compared; compare again');
      return moment;
    },
    keep(moment) {
      count += 1;
      // Another run of the program must not take it for one of its own.
      const comparison = `${replica.life}/${count}`;
      kept.set(comparison, { ...moment, sums: noSums });
      for (const [oldest] of kept) if (kept.size > MOST_KEPT) kept.delete(oldest);
      return comparison;
    },
    of(comparison) {
      const moment = kept.get(comparison);
      if (moment === undefined || moment.replica !== replica.state.replica) throw new UnavailableError('what was compared is forgotten; compare again');
      return moment;
    },
  };
}
