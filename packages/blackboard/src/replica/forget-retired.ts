import type { Clock } from '@meshwork/core';
import type { VersionVector } from '../state/context.ts';
import { FORGOTTEN } from '../state/forgotten.ts';
import { isRecordable } from '../state/forgotten-record.ts';
import type { Members } from './members.ts';
import { arrangeRecords, type KeptRecord } from './record-plan.ts';
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

/** What is to be forgotten once all have on disk what this hub had when it saw that it could be. */
interface Waiting {
  readonly replicas: ReadonlyMap<string, number>;
  readonly vector: VersionVector;
}

export function createForgetting({ replica, members, clock, writer, maxAbsenceMs, forgottenMs }: ForgettingOptions): Forgetting {
  const monotonic = () => clock.monotonic?.() ?? clock.now();
  /** Replicas that are nobody's, and since when this is known. */
  const strays = new Map<string, number>();
  let waiting: Waiting | undefined;

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
  const records = (): KeptRecord[] => {
    const { state } = replica;
    return [...state.forgotten.keys()].flatMap((key) => {
      const reading = state.read(key);
      if (typeof reading?.value !== 'string') return [];
      return [{ key, text: reading.value, isOrphan: members.of(reading.version.replica)?.state !== 'active' }];
    });
  };
  const write = async (fresh: ReadonlyMap<string, number>) => {
    const { puts, deletes } = arrangeRecords(records(), { fresh, now: clock.now(), forgottenMs });
    const name = replica.state.replica;
    const stamp = () => ({ time: replica.time.next(), writer });
    const put = (text: string) => {
      // No two hubs, and no two runs of one, write under one key.
      const given = stamp();
      const key = `${FORGOTTEN}${given.time.toString(36)}/${name}`;
      return replica.write(key, (state) => state.forget(key, text, given));
    };
    const remove = (key: string) => replica.write(key, (state) => state.delete(key, stamp()));
    await Promise.all([...puts.map(put), ...deletes.map(remove)]);
  };
  /** Retired replicas without a write that counts are no longer needed as members: the records tell of them. */
  const removeGone = async () => {
    const { durable, state } = replica;
    const { vector } = state.context;
    const isUnneeded = (id: string) => !durable.has(id) && !vector.has(id) && isGone(id);
    const gone = members.all().filter((member) => member.state === 'retired' && isUnneeded(member.replica));
    if (gone.length > 0) await members.remove(gone.map((member) => member.replica));
  };

  return {
    async step() {
      noteStrays();
      if (!members.actsForAll()) {
        waiting = undefined;
        return;
      }
      const { state, durable } = replica;
      if (waiting === undefined) {
        const found = [...durable].filter(([id]) => isForgettable(id));
        waiting = found.length === 0 ? undefined : { replicas: new Map(found), vector: durable };
      }
      let fresh: ReadonlyMap<string, number> = new Map();
      if (waiting !== undefined && state.forgotten.isWithin(waiting.vector, members.stable())) {
        fresh = new Map([...waiting.replicas].filter(([id, counter]) => durable.get(id) === counter && isForgettable(id)));
        waiting = undefined;
      }
      await write(fresh);
      await removeGone();
    },
  };
}
