import { ConflictError, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import type { HybridClock } from '../hybrid-clock.ts';
import type { BoardState, Change, Delta, Version } from '../state/board-state.ts';
import type { VersionVector } from '../state/context.ts';
import { createBoardState } from '../state/create-board-state.ts';
import { isTombstone } from '../state/winner.ts';
import { type Batch, createBatch } from './batch.ts';
import type { BoardLog } from './board-log.ts';
import { encodeRecord, type IdentityRecord } from './record.ts';
import { renameState } from './rename-state.ts';
import type { DurableListener, Replica, ReplicaOptions } from './replica.ts';
import { createSnapshotKeeper, type SnapshotKeeper } from './snapshot-keeper.ts';

/** What was found on disk, with the log at its end. */
export interface Opened {
  readonly state: BoardState;
  readonly identity: IdentityRecord;
  readonly log: BoardLog;
  readonly snapshotBytes: number;
  readonly closing: AbortController;
}

/** The `Replica` of `openReplica`. */
export class DurableReplica implements Replica {
  readonly #options: ReplicaOptions;
  readonly #log: BoardLog;
  readonly #closing: AbortController;
  readonly #snapshots: SnapshotKeeper;
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
  #edition = 0;

  constructor(options: ReplicaOptions, { state, identity, log, snapshotBytes, closing }: Opened) {
    this.#options = options;
    this.#state = state;
    this.#identity = identity;
    this.#log = log;
    this.#closing = closing;
    const { journal, streams, minLogBytes, onError, clock } = options;
    this.#snapshots = createSnapshotKeeper({
      journal,
      stream: streams.snapshot,
      log,
      minLogBytes,
      bytes: snapshotBytes,
      time: () => clock.last,
      onError: (error) => {
        if (!closing.signal.aborted) onError(error);
      },
    });
    this.#durable = state.context.vector;
    this.#before = this.#durable.get(state.replica) ?? 0;
  }

  get state(): BoardState {
    return this.#state;
  }

  get life(): string {
    return this.#identity.life;
  }

  get time(): HybridClock {
    return this.#options.clock;
  }

  get durable(): VersionVector {
    return this.#durable;
  }

  hasOnDisk(vector: VersionVector): boolean {
    return this.#state.forgotten.isWithin(vector, this.#durable);
  }

  get edition(): number {
    return this.#edition;
  }

  get isSettled(): boolean {
    return this.#next === undefined && this.#flushing === undefined;
  }

  async write(key: string, work: (state: BoardState) => Delta | undefined): Promise<boolean> {
    for (let gate = this.#enter(); gate !== undefined; gate = this.#enter()) await gate;
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
    for (let gate = this.#enter(); gate !== undefined; gate = this.#enter()) await gate;
    const state = this.#state;
    const { vector } = state.context;
    const delta = typeof given === 'function' ? given(state) : given;
    if (delta === undefined) return [];
    const { forgotten } = state;
    if (!forgotten.isWithin(delta.covers.from, vector)) return undefined;
    if (!isLogged && delta.entries.length === 0 && forgotten.isWithin(delta.covers.to, vector)) return [];
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

  settled(key?: string): Promise<void> | undefined {
    if (this.#ended !== undefined) throw this.#ended;
    const isConcerned = (batch: Batch | undefined): batch is Batch => batch !== undefined && (key === undefined || batch.keys.has(key));
    const batch = isConcerned(this.#next) ? this.#next : this.#flushing;
    return isConcerned(batch) ? batch.decided.promise : undefined;
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
    await this.#snapshots.ended();
  }

  /** What to wait for before a change: the replica takes another name. @throws {UnavailableError} when nothing can be changed. */
  #enter(): Promise<void> | undefined {
    if (this.#gate !== undefined) return this.#gate;
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#trouble !== undefined) {
      throw new UnavailableError('the store of this hub fails, and nothing was changed; try again later', { cause: this.#trouble });
    }
    return undefined;
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
    const state = this.#state;
    if (this.#ended === undefined)
      this.#snapshots.writeIfDue({ state, identity: { ...this.#identity, time: this.#options.clock.last }, check: () => this.#checkSettled(state) });
  }

  async #checkSettled(state: BoardState): Promise<void> {
    await this.settled();
    if (this.#state !== state) throw new ConflictError('the replica has another name since');
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
    while (this.#next !== undefined || this.#flushing !== undefined) await this.settled();
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
}
