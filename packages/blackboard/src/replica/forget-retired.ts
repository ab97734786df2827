import type { Clock } from '@meshwork/core';
import type { VersionVector } from '../state/context.ts';
import { recordKey } from '../state/forgotten.ts';
import { type ForgottenRecord, isRecordable } from '../state/forgotten-record.ts';
import type { Members } from './members.ts';
import { arrangeRecords, type KeptRecord, type RecordPlan } from './record-plan.ts';
import type { Replica } from './replica.ts';

/** Forgets replicas that are gone for good, so that vectors grow with members, and not with all there ever were. */
export interface Forgetting {
  /** Goes one step on. One of the hubs present does it for all. */
  step(): Promise<void>;
}

export interface ForgettingOptions {
  readonly replica: Replica;
  readonly members: Members;
  readonly clock: Clock;
  /** Who writes the records. */
  readonly writer: string;
  readonly maxAbsenceMs: number;
  /** Milliseconds for which a record is kept. */
  readonly forgottenMs: number;
}

/** What is done once all have on disk what this hub had when it saw that it could be done: nobody then sees what goes without what stands in its place. */
interface Waiting {
  /** Replicas to be forgotten, and how many writes of each. */
  readonly replicas: ReadonlyMap<string, number>;
  /** Members that records tell of instead. */
  readonly members: readonly string[];
  /** Records that others say the same as. */
  readonly records: readonly string[];
  readonly vector: VersionVector;
}

const nobody: ReadonlyMap<string, number> = new Map();

export function createForgetting({ replica, members, clock, writer, maxAbsenceMs, forgottenMs }: ForgettingOptions): Forgetting {
  const monotonic = () => clock.monotonic?.() ?? clock.now();
  /** Replicas that are nobody's, and since when this is known. */
  const strays = new Map<string, number>();
  let waiting: Waiting | undefined;
  let arranged: { readonly of: string; readonly redundant: readonly string[] } | undefined;

  /** Who was retired, or is nobody's, has as long again to come back. */
  const isGone = (id: string): boolean => {
    if (members.isNear(id)) return false;
    if (members.of(id) !== undefined) return members.retiredMs(id) > maxAbsenceMs;
    return monotonic() - (strays.get(id) ?? Number.POSITIVE_INFINITY) > maxAbsenceMs;
  };
  /** All that it wrote was superseded. */
  const isForgettable = (id: string): boolean => id !== replica.state.replica && isRecordable(id) && isGone(id) && !replica.state.holdsOf(id);
  const noteStrays = () => {
    const { durable, state } = replica;
    for (const id of durable.keys()) if (id !== state.replica && members.of(id) === undefined && !strays.has(id)) strays.set(id, monotonic());
    for (const id of strays.keys()) if (!durable.has(id) || members.of(id) !== undefined || members.isNear(id)) strays.delete(id);
  };
  /** Retired ones that no vector names. */
  const unnamedMembers = (): string[] => {
    const { durable, state } = replica;
    const retired = members.all().filter(({ replica: id, state: standing }) => standing === 'retired' && !durable.has(id) && isGone(id));
    if (retired.length === 0) return [];
    const { vector } = state.context;
    return retired.map(({ replica: id }) => id).filter((id) => !vector.has(id));
  };
  const records = (): KeptRecord[] => {
    const { state } = replica;
    return [...state.forgotten.keys()].flatMap((key) => {
      const reading = state.read(key);
      if (typeof reading?.value !== 'string') return [];
      return [{ key, text: reading.value, isOrphan: members.of(reading.version.replica)?.state !== 'active' }];
    });
  };
  /** Reads all records only when there is something new. */
  const arrange = (fresh: ReadonlyMap<string, number>): RecordPlan => {
    const present = records();
    const of = present.map(({ key, isOrphan }) => `${isOrphan ? '-' : '+'}${key}`).join('\n');
    const plan = arrangeRecords(present, { fresh, now: clock.now(), forgottenMs, isNew: arranged?.of !== of });
    if (plan.redundant === undefined) return { ...plan, redundant: arranged?.redundant ?? [] };
    arranged = { of, redundant: plan.redundant };
    return plan;
  };
  const stamp = () => ({ time: replica.time.next(), writer });
  const put = (record: ForgottenRecord) => {
    const given = stamp();
    return replica.write(recordKey(given.time, replica.state.replica), (state) => state.forget(record, given));
  };
  const remove = (key: string) => replica.write(key, (state) => state.delete(key, stamp()));
  const find = (redundant: readonly string[]): Waiting | undefined => {
    const replicas = new Map([...replica.durable].filter(([id]) => isForgettable(id)));
    const unnamed = unnamedMembers();
    if (replicas.size + unnamed.length + redundant.length === 0) return undefined;
    return { replicas, members: unnamed, records: redundant, vector: replica.state.context.vector };
  };

  return {
    async step() {
      noteStrays();
      if (!members.actsForAll()) {
        waiting = undefined;
        return;
      }
      const { puts, over, redundant = [] } = arrange(nobody);
      // Also when that fails, it is looked at again.
      if (puts.length > 0) arranged = undefined;
      await Promise.all([...puts.map(put), ...over.map(remove)]);
      waiting ??= find(redundant);
      if (waiting === undefined || !replica.state.forgotten.isWithin(waiting.vector, members.stable())) return;
      const { replicas, members: unnamed, records: doomed } = waiting;
      waiting = undefined;
      const fresh = new Map([...replicas].filter(([id]) => isForgettable(id)));
      const still = new Set(unnamedMembers());
      await Promise.all([
        ...(fresh.size > 0 ? arrange(fresh).puts.map(put) : []),
        ...doomed.filter((key) => redundant.includes(key)).map(remove),
        members.remove(unnamed.filter((id) => still.has(id))),
      ]);
    },
  };
}
