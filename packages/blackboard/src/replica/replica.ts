import { ConflictError, type IdSource, type Journal, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import type { HybridClock } from '../hybrid-clock.ts';
import type { BoardState, Change, Delta, Version } from '../state/board-state.ts';
import { isWithinVector, type VersionVector } from '../state/context.ts';
import { createBoardState } from '../state/create-board-state.ts';
import { isTombstone } from '../state/winner.ts';
import { type Batch, createBatch } from './batch.ts';
import { type BoardLog, createBoardLog } from './board-log.ts';
import { encodeRecord, type IdentityRecord } from './record.ts';
import { recover, type StateLimits, type Streams } from './recover.ts';
import { renameState } from './rename-state.ts';
import { fenceSnapshots, writeSnapshot } from './snapshot.ts';

export interface ReplicaOptions {
  readonly journal: Journal;
  readonly streams: Streams;
  /** Where the store is: another place makes it a copy, which takes another name. */
  readonly place: string;
  readonly limits: StateLimits;
  readonly clock: HybridClock;
  readonly ids: IdSource;
  /** Bytes of log from which on a snapshot is worth while. */
  readonly minLogBytes: number;
  readonly onError: (error: unknown) => void;
  readonly onRenamed: (event: { readonly was: string; readonly is: string; readonly reason: string }) => void;
}

/** What is told once it is on disk. */
export type DurableListener = (changes: readonly Change[]) => void;

/** A state that is on disk before anybody hears of it. */
export interface Replica {
  /** As it is now: what it holds may not be on disk yet. */
  readonly state: BoardState;
  readonly time: HybridClock;
  /** What is on disk. */
  readonly durable: VersionVector;
  /** Changes with everything that is read. */
  readonly edition: number;
  /**
   * Changes a key, and waits until that is on disk. False when the work changed nothing.
   * @throws {UnavailableError} when nothing was changed, {@link UnknownOutcomeError} when the disk fails: the change may turn out to be kept.
   */
  write(key: string, work: (state: BoardState) => Delta | undefined): Promise<boolean>;
  /**
   * Merges a delta, or what is made of the state as it is then, and waits until it is on disk. What changed; `undefined` when something is missing before the delta, and
   * nothing was merged. `isLogged`: keep the delta itself, for the vector does not tell what it brings.
   */
  merge(delta: Delta | ((state: BoardState) => Delta | undefined), options?: { readonly isLogged?: boolean }): Promise<readonly Change[] | undefined>;
  /** Waits until all that has been read of the key is on disk; without a key, of all keys. */
  settled(key?: string): Promise<void>;
  /** Goes on under a new name, with what this run has written as writes of the new one. */
  rename(reason: string): Promise<void>;
  collect(stable: VersionVector): number;
  onDurable(listener: DurableListener): void;
  close(): Promise<void>;
}

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
  if (found !== undefined && isMoved) options.onRenamed({ was: found.identity.replica, is: name, reason: 'the store is at another place, so it is a copy' });
  return new DurableReplica(options, { state, identity, log, snapshotBytes, closing });
}

interface Opened {
  readonly state: BoardState;
  readonly identity: IdentityRecord;
  readonly log: BoardLog;
  readonly snapshotBytes: number;
  readonly closing: AbortController;
}

class DurableReplica implements Replica {
  readonly #options: ReplicaOptions;
  readonly #log: BoardLog;
  readonly #closing: AbortController;
  readonly #listeners: DurableListener[] = [];
  #state: BoardState;
  #identity: IdentityRecord;
  #durable: VersionVector;
  /** The own counter when this run began. */
  #before: number;
  /** Of the counters that this run has counted on: the own total before it did. */
  readonly #totals = new Map<string, Version | undefined>();
  #next: Batch | undefined;
  #flushing: Batch | undefined;
  #running: Promise<void> | undefined;
  #gate: Promise<void> | undefined;
  #trouble: unknown;
  #ended: Error | undefined;
  #snapshotBytes: number;
  #snapshot: Promise<void> | undefined;
  #edition = 0;

  constructor(options: ReplicaOptions, { state, identity, log, snapshotBytes, closing }: Opened) {
    this.#options = options;
    this.#state = state;
    this.#identity = identity;
    this.#log = log;
    this.#snapshotBytes = snapshotBytes;
    this.#closing = closing;
    this.#durable = state.context.vector;
    this.#before = this.#durable.get(state.replica) ?? 0;
  }

  get state(): BoardState {
    return this.#state;
  }

  get time(): HybridClock {
    return this.#options.clock;
  }

  get durable(): VersionVector {
    return this.#durable;
  }

  get edition(): number {
    return this.#edition;
  }

  async write(key: string, work: (state: BoardState) => Delta | undefined): Promise<boolean> {
    await this.#enter();
    const state = this.#state;
    const before = state.read(key);
    if (before?.version.kind === 'count' && !this.#totals.has(key)) this.#totals.set(key, this.#ownTotal(state, key));
    const delta = work(state);
    if (delta === undefined) {
      await this.settled(key);
      return false;
    }
    const after = state.read(key);
    // Whoever counts on after a deletion counts from 0.
    if (after === undefined || isTombstone(after.version)) if (this.#totals.has(key)) this.#totals.set(key, undefined);
    const batch = this.#batch();
    batch.keys.add(key);
    batch.changes.push({ key, before, after });
    await batch.acknowledged.promise;
    return true;
  }

  async merge(
    given: Delta | ((state: BoardState) => Delta | undefined),
    { isLogged = false }: { readonly isLogged?: boolean } = {},
  ): Promise<readonly Change[] | undefined> {
    await this.#enter();
    const state = this.#state;
    const { vector } = state.context;
    const delta = typeof given === 'function' ? given(state) : given;
    if (delta === undefined) return [];
    if (!isWithinVector(delta.covers.from, vector)) return undefined;
    if (!isLogged && delta.entries.length === 0 && isWithinVector(delta.covers.to, vector)) return [];
    const changes = state.merge(delta);
    const batch = this.#batch();
    if (isLogged) batch.deltas.push(delta);
    for (const change of changes) {
      batch.keys.add(change.key);
      batch.changes.push(change);
    }
    await batch.decided.promise;
    return changes;
  }

  async settled(key?: string): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    const isConcerned = (batch: Batch | undefined): batch is Batch => batch !== undefined && (key === undefined || batch.keys.has(key));
    const batch = isConcerned(this.#next) ? this.#next : this.#flushing;
    if (isConcerned(batch)) await batch.decided.promise;
  }

  rename(reason: string): Promise<void> {
    this.#gate ??= this.#rename(reason).finally(() => {
      this.#gate = undefined;
    });
    return this.#gate;
  }

  collect(stable: VersionVector): number {
    // A deletion that all have on disk is on this disk too, so that the log brings it back however it is read.
    return this.#gate === undefined && this.#ended === undefined ? this.#state.collect(stable) : 0;
  }

  onDurable(listener: DurableListener): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    const closed = new UnavailableError('the blackboard is closed');
    if (this.#trouble === undefined) await this.#running;
    this.#ended ??= closed;
    this.#closing.abort(closed);
    await this.#running;
    await this.#snapshot;
  }

  async #enter(): Promise<void> {
    while (this.#gate !== undefined) await this.#gate;
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#trouble !== undefined) {
      throw new UnavailableError('the store of this hub fails, and nothing was changed; try again later', { cause: this.#trouble });
    }
  }

  #ownTotal(state: BoardState, key: string): Version | undefined {
    return state.versionsOf(key).find(({ kind, replica, counter }) => kind === 'count' && replica === state.replica && counter <= this.#before);
  }

  #batch(): Batch {
    this.#edition++;
    this.#next ??= createBatch();
    this.#running ??= Promise.resolve().then(() => this.#flush());
    return this.#next;
  }

  async #flush(): Promise<void> {
    try {
      for (let batch = this.#next; batch !== undefined; batch = this.#next) {
        this.#next = undefined;
        this.#flushing = batch;
        const { delta } = this.#state.deltaSince(this.#durable);
        const time = this.#options.clock.last;
        const records = [...batch.deltas, delta].flatMap((one) => encodeRecord({ type: 'delta', time, delta: one }));
        await this.#log.append(records, (error) => this.#doubt(error));
        this.#trouble = undefined;
        this.#durable = delta.context.vector;
        this.#flushing = undefined;
        batch.acknowledged.resolve();
        batch.decided.resolve();
        for (const listener of this.#listeners) listener(batch.changes);
      }
    } catch (error) {
      this.#end(error);
    } finally {
      this.#running = undefined;
    }
    if (this.#ended === undefined) this.#snapshotIfDue();
  }

  /** The store failed: those who wrote are told that nobody knows, and nobody else writes until it is known. */
  #doubt(error: unknown): void {
    this.#trouble = error;
    const unknown = new UnknownOutcomeError('the store of this hub failed while it kept a write, which may turn out to be kept; read before you retry', {
      cause: error,
    });
    this.#flushing?.acknowledged.reject(unknown);
    this.#next?.acknowledged.reject(unknown);
    this.#options.onError(error);
  }

  #end(error: unknown): void {
    this.#ended = error instanceof Error ? error : new UnavailableError('the store of this hub failed for good', { cause: error });
    const unknown = new UnknownOutcomeError(`it is not known whether a write was kept: ${this.#ended.message}`, { cause: error });
    for (const batch of [this.#flushing, this.#next]) {
      batch?.acknowledged.reject(unknown);
      batch?.decided.reject(this.#ended);
    }
    this.#flushing = undefined;
    this.#next = undefined;
    if (!this.#closing.signal.aborted) this.#options.onError(error);
  }

  async #rename(reason: string): Promise<void> {
    await this.settled();
    const { ids, limits, clock, onRenamed } = this.#options;
    const from = this.#state;
    const into = createBoardState({ ...limits, replica: ids('r') });
    const totals = [...this.#totals.values()].filter((total) => total !== undefined);
    renameState(from, { into, keep: this.#before, totals });
    const identity: IdentityRecord = { ...this.#identity, replica: into.replica, time: clock.last, keep: this.#before, totals };
    try {
      await this.#log.append(encodeRecord(identity), (error) => this.#doubt(error));
    } catch (error) {
      this.#end(error);
      throw error;
    }
    this.#trouble = undefined;
    this.#state = into;
    this.#identity = identity;
    this.#durable = into.context.vector;
    this.#before = 0;
    this.#totals.clear();
    this.#edition++;
    onRenamed({ was: from.replica, is: into.replica, reason });
  }

  #snapshotIfDue(): void {
    const { journal, streams, minLogBytes, onError } = this.#options;
    if (this.#snapshot !== undefined || this.#log.bytes < Math.max(minLogBytes, this.#snapshotBytes)) return;
    const state = this.#state;
    const identity: IdentityRecord = {
      type: 'identity',
      replica: state.replica,
      place: this.#identity.place,
      life: this.#identity.life,
      time: this.#options.clock.last,
    };
    const check = async () => {
      await this.settled();
      if (this.#state !== state) throw new ConflictError('the replica has another name since');
    };
    const before = this.#log.bytes;
    const offset = this.#log.head;
    this.#snapshot = writeSnapshot({ journal, stream: streams.snapshot, state, identity, offset, time: () => this.#options.clock.last, check })
      .then(async (bytes) => {
        this.#snapshotBytes = bytes;
        await this.#log.trim(offset + 1, this.#log.bytes - before);
      })
      .catch((error: unknown) => {
        // Without it the log is longer; the next one is tried when as much has come again.
        if (!this.#closing.signal.aborted) onError(error);
      })
      .finally(() => {
        this.#snapshot = undefined;
      });
  }
}
