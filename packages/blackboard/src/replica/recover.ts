import { type Journal, StoreFormatError } from '@meshwork/core';
import type { BoardState } from '../state/board-state.ts';
import { type BoardStateOptions, createBoardState } from '../state/create-board-state.ts';
import { createRecordReader, type IdentityRecord } from './record.ts';
import { renameState } from './rename-state.ts';

export interface Streams {
  readonly log: string;
  readonly snapshot: string;
}

/** What the streams of a board hold. */
export interface Recovered {
  /** `undefined` when nobody has written there yet. */
  readonly found: { readonly state: BoardState; readonly identity: IdentityRecord } | undefined;
  /** The latest hybrid time. */
  readonly time: number;
  readonly log: { readonly head: number; readonly bytes: number };
  readonly snapshotBytes: number;
}

interface Snapshot {
  state: BoardState | undefined;
  identity: IdentityRecord | undefined;
  offset: number;
  time: number;
  bytes: number;
}

export type StateLimits = Omit<BoardStateOptions, 'replica'>;

/** Reads the latest whole snapshot, and the log from where it ends. A snapshot that is cut short is as none. */
export async function recover(journal: Journal, streams: Streams, limits: StateLimits): Promise<Recovered> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const snapshot = await readSnapshot(journal, streams.snapshot, limits);
    const recovered = await readLog(journal, streams.log, limits, snapshot);
    if (recovered !== undefined) return recovered;
  }
  throw new StoreFormatError(
    `${JSON.stringify(streams.log)} begins after its snapshot ends: records are missing; bring them back, or give the board an empty store`,
  );
}

async function readSnapshot(journal: Journal, stream: string, limits: StateLimits): Promise<Snapshot> {
  const reader = createRecordReader(stream, limits);
  const nothing: Snapshot = { state: undefined, identity: undefined, offset: 0, time: 0, bytes: 0 };
  let whole = nothing;
  let open = nothing;
  for await (const { value } of journal.read(stream)) {
    const record = reader.read(value);
    open.bytes += value instanceof Uint8Array ? value.length : 0;
    if (record?.type === 'begin') {
      const { identity, offset } = record;
      open = { state: createBoardState({ ...limits, replica: identity.replica }), identity, offset, time: identity.time, bytes: 0 };
    } else if (record?.type === 'delta') {
      open.state?.merge(record.delta);
      open.time = Math.max(open.time, record.time);
    } else if (record?.type === 'end') whole = open;
    else if (record?.type === 'nothing') open = { ...nothing };
  }
  return whole;
}

/** `undefined` when the log begins behind the snapshot: somebody trimmed it in between. */
async function readLog(journal: Journal, stream: string, limits: StateLimits, snapshot: Snapshot): Promise<Recovered | undefined> {
  const reader = createRecordReader(stream, limits);
  let { state, identity, time } = snapshot;
  let head = snapshot.offset;
  let bytes = 0;
  for await (const { offset, value } of journal.read(stream, { from: head + 1 })) {
    if (offset !== head + 1) return undefined;
    head = offset;
    bytes += value instanceof Uint8Array ? value.length : 0;
    const record = reader.read(value);
    if (record?.type === 'identity') {
      time = Math.max(time, record.time);
      if (state?.replica !== record.replica) {
        const into = createBoardState({ ...limits, replica: record.replica });
        if (state !== undefined) renameState(state, { into, ...record });
        state = into;
      }
      identity = record;
    } else if (record?.type === 'delta') {
      time = Math.max(time, record.time);
      state?.merge(record.delta);
    }
  }
  if ((await journal.head(stream)) !== head) return undefined;
  return {
    found: state === undefined || identity === undefined ? undefined : { state, identity },
    time,
    log: { head, bytes },
    snapshotBytes: snapshot.bytes,
  };
}
