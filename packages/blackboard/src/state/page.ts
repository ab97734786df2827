import type { DeltaPart } from './board-state.ts';
import { isAmong } from './buckets.ts';
import type { VersionVector } from './context.ts';
import type { HeldVersion } from './held-version.ts';
import type { ReplicaLog } from './replica-log.ts';
import { type Held, isGroup, type Slots, slotOf } from './slots.ts';
import { isTombstone } from './winner.ts';

export interface PageRequest {
  readonly logs: ReadonlyMap<string, ReplicaLog>;
  readonly slots: Slots;
  readonly vector: VersionVector;
  readonly since: VersionVector;
  readonly maxBytes: number;
  /** Leaves out the other slots. */
  readonly among?: DeltaPart | undefined;
}

export interface Page {
  /** What the slots hold that go into the page. */
  readonly held: readonly Held[];
  readonly from: VersionVector;
  readonly to: VersionVector;
  readonly isLast: boolean;
}

/** The oldest writes that are missing, replica by replica, until the page is full. What lies above the vector goes with the last page. */
export function takePage({ logs, slots, vector, since, maxBytes, among }: PageRequest): Page {
  const from = new Map<string, number>();
  for (const [replica, counter] of vector) {
    const seen = Math.min(counter, since.get(replica) ?? 0);
    if (seen > 0) from.set(replica, seen);
  }
  const to = new Map(from);
  const held: Held[] = [];
  /** Of several versions: a lone one is met once. */
  const taken = new Set<Held>();
  let bytes = 0;
  for (const [replica, counter] of [...vector].sort(([one], [other]) => (one < other ? -1 : 1))) {
    if (counter <= (from.get(replica) ?? 0)) continue;
    for (const version of logs.get(replica)?.above(from.get(replica) ?? 0) ?? []) {
      if (version.counter > counter) break;
      if (bytes >= maxBytes) return { held, from, to, isLast: false };
      bytes += take(version);
      to.set(replica, version.counter);
    }
    to.set(replica, counter);
  }
  for (const log of logs.values()) {
    for (const version of log.above(Math.max(vector.get(log.replica) ?? 0, since.get(log.replica) ?? 0))) take(version);
  }
  return { held, from, to, isLast: true };

  function take(version: HeldVersion): number {
    if (among !== undefined && !isUnseenDeletion(version, among.seen) && !isAmong(among.buckets, slotOf(version))) return 0;
    const all = slots.heldWith(version);
    if (isGroup(all)) {
      if (taken.has(all)) return 0;
      taken.add(all);
    }
    held.push(all);
    return maxBytes === Number.POSITIVE_INFINITY ? 0 : sizeOf(isGroup(all) ? all : [all]);
  }
}

function isUnseenDeletion(version: HeldVersion, seen: VersionVector): boolean {
  return isTombstone(version) && version.counter > (seen.get(version.replica) ?? 0);
}

function sizeOf(group: readonly HeldVersion[]): number {
  return group.reduce((bytes, { key, value }) => bytes + 16 + key.length + (value === undefined ? 0 : JSON.stringify(value).length), 0);
}
