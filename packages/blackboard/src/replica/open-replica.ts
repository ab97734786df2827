import { createBoardState } from '../state/create-board-state.ts';
import { createBoardLog } from './board-log.ts';
import { DurableReplica } from './durable-replica.ts';
import { encodeRecord, type IdentityRecord } from './record.ts';
import { recover } from './recover.ts';
import { renameState } from './rename-state.ts';
import type { Replica, ReplicaOptions } from './replica.ts';
import { fenceSnapshots } from './snapshot.ts';

/** Brings back what is on disk, under the same name unless the store is a copy, and takes the store over from whoever had it open. */
export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  const { journal, streams, place, limits, clock, ids } = options;
  const { found, time, log: present, snapshotBytes } = await recover(journal, streams, limits);
  clock.resume(time);
  const isMoved = found !== undefined && found.identity.place !== place;
  const name = found === undefined || isMoved ? ids('r') : found.identity.replica;
  let state = found?.state;
  if (state === undefined || isMoved) {
    const into = createBoardState({ ...limits, replica: name });
    if (state !== undefined) renameState(state, { into });
    state = into;
  }
  const identity: IdentityRecord = { type: 'identity', replica: name, place, life: ids('life'), time: clock.last };
  const closing = new AbortController();
  const log = createBoardLog({ journal, stream: streams.log, signal: closing.signal, ...present });
  // From here on nobody else can append, and no snapshot of somebody else becomes whole.
  await log.append(encodeRecord(identity));
  await fenceSnapshots(journal, streams.snapshot);
  if (found !== undefined && isMoved) {
    const event = { was: found.identity.replica, is: name, reason: 'the store is at another place than before, so it is a copy' };
    // Whoever opens the board can listen only once it has it.
    setTimeout(() => options.onRenamed(event), 0);
  }
  return new DurableReplica(options, { state, identity, log, snapshotBytes, closing });
}
