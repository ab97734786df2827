/** For each replica how many of its writes have been seen, the first ones without a gap. */
export type VersionVector = ReadonlyMap<string, number>;

/** What has been seen: a vector, and single writes above it that came out of order. */
export interface Context {
  readonly vector: VersionVector;
  /** Usually empty. */
  readonly cloud: ReadonlyMap<string, ReadonlySet<number>>;
}

export const emptyCloud: Context['cloud'] = new Map();

export function hasSeen(context: Context, replica: string, counter: number): boolean {
  return counter <= (context.vector.get(replica) ?? 0) || context.cloud.get(replica)?.has(counter) === true;
}

export function isWithinVector(vector: VersionVector, other: VersionVector): boolean {
  for (const [replica, counter] of vector) if (counter > (other.get(replica) ?? 0)) return false;
  return true;
}

export function isWithin(context: Context, vector: VersionVector): boolean {
  if (!isWithinVector(context.vector, vector)) return false;
  for (const [replica, counters] of context.cloud) {
    const seen = vector.get(replica) ?? 0;
    for (const counter of counters) if (counter > seen) return false;
  }
  return true;
}

export function joinVectors(one: VersionVector, other: VersionVector): VersionVector {
  const joined = new Map(one);
  for (const [replica, counter] of other) if (counter > (joined.get(replica) ?? 0)) joined.set(replica, counter);
  return joined;
}

export function joinContexts(one: Context, other: Context): Context {
  const cloud = new Map(one.cloud);
  for (const [replica, counters] of other.cloud) cloud.set(replica, new Set([...(cloud.get(replica) ?? []), ...counters]));
  return { vector: joinVectors(one.vector, other.vector), cloud };
}
