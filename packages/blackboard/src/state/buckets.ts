import { hashText } from '../hash-text.ts';
import { hashVersion } from './digest.ts';
import type { HeldVersion } from './held-version.ts';
import { type Held, isGroup, slotOfHeld } from './slots.ts';
import { isTombstone } from './winner.ts';

/** Buckets that a summary has: a power of two, so that a bucket is some bits of a hash. */
export const bucketCounts = { least: 1_024, most: 65_536 } as const;

/** Versions to a bucket, about: fewer make the summary longer, more make what is sent for each difference longer. */
const PER_BUCKET = 8;

/** How many buckets pay for so many versions. */
export function bucketsFor(versions: number): number {
  let count: number = bucketCounts.least;
  while (count < bucketCounts.most && count * PER_BUCKET < versions) count *= 2;
  return count;
}

/** Whether there can be so many buckets. */
export function isBucketCount(count: number): boolean {
  return Number.isInteger(count) && count >= bucketCounts.least && count <= bucketCounts.most && (count & (count - 1)) === 0;
}

/** Two words a bucket: sums of the hashes of the live versions whose slots fall in it. What is deleted is in no sum, whoever has forgotten it. */
export function summaryOf(all: Iterable<Held>, count: number): Uint32Array {
  const sums = new Uint32Array(count * 2);
  const add = (bucket: number, version: HeldVersion) => {
    if (isTombstone(version)) return;
    const { low, high } = hashVersion(version);
    // Words of the array wrap by themselves.
    sums[bucket * 2] = (sums[bucket * 2] ?? 0) + low;
    sums[bucket * 2 + 1] = (sums[bucket * 2 + 1] ?? 0) + high;
  };
  for (const held of all) {
    const bucket = bucketOf(slotOfHeld(held), count);
    if (isGroup(held)) for (const version of held) add(bucket, version);
    else add(bucket, held);
  }
  return sums;
}

/** The buckets in which two summaries differ, a bit each. */
export function differingBuckets(one: Uint32Array, other: Uint32Array): Uint8Array {
  const buckets = new Uint8Array(one.length / 16);
  for (let at = 0; at < one.length; at++) {
    if (one[at] === other[at]) continue;
    const bucket = at >>> 1;
    buckets[bucket >>> 3] = (buckets[bucket >>> 3] ?? 0) | (1 << (bucket & 7));
  }
  return buckets;
}

/** Whether a slot falls in one of these buckets. */
export function isAmong(buckets: Uint8Array, slot: string): boolean {
  const bucket = bucketOf(slot, buckets.length * 8);
  return ((buckets[bucket >>> 3] ?? 0) & (1 << (bucket & 7))) !== 0;
}

function bucketOf(slot: string, count: number): number {
  return hashText(slot, 0x9e3779b9) & (count - 1);
}
