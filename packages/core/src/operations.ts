import type { Progress } from './call.ts';
import { type Clock, systemClock } from './clock.ts';
import { ClosedError, ConflictError, HistoryDroppedError, InvalidInputError, NotFoundError, UnavailableError } from './errors.ts';
import { type IdSource, randomIds } from './ids.ts';
import type { JsonObject } from './json.ts';
import type { KeyValueEntry, KeyValueStore } from './key-value-store.ts';
import { hasEnded, type Operation, type OperationEvent, type OperationStatus, ownerOf, transition } from './operation.ts';
import { createOperationEnds, type KeptOperation } from './operation-ends.ts';
import { createOperationLease, inBackground } from './operation-lease.ts';
import { createOperationWork, type OperationWork } from './operation-work.ts';
import { pause } from './pause.ts';
import type { Principal } from './principal.ts';
import type { CallResult, InputRequest } from './result.ts';
import { createTeller, type Listenable } from './teller.ts';

export interface OperationsOptions {
  readonly store: KeyValueStore;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  /** How long an ended operation is kept, in milliseconds. Default 3,600,000 (an hour). */
  readonly ttlMs?: number;
  /** How long an operation waits for its owner's answer, in milliseconds. Default 86,400,000 (a day). */
  readonly answerWithinMs?: number;
  /**
   * This hub's name among those that share the store: no two that are alive may have one name. By default a new one every time; with a
   * lasting one, a hub that starts again knows at once what it lost, and need not wait for its own lease to run out.
   */
  readonly hub?: string;
  /** How long after its last sign of life a hub's operations are given up, in milliseconds. Default 30,000. */
  readonly leaseMs?: number;
  /** How often the store is swept, in milliseconds. Default 60,000. */
  readonly sweepMs?: number;
  /** How long `close` waits for work that does not heed its signal, in milliseconds. Default 5,000. */
  readonly graceMs?: number;
  /** Operations one owner may have under way on this hub. Default 100. */
  readonly maxPerOwner?: number;
  /**
   * Told of each operation that has ended, on whichever hub, at least once: an end stays on record, whatever dies, until this has returned; a sweep
   * calls it again for what it failed or was cut off at. The operation's id says which are one. Nothing waits for it but `recover` and `close`.
   */
  readonly announceEnd?: (operation: Operation) => Promise<void>;
  /** Called with what went wrong in the background, for the operator's log. */
  readonly onError?: (error: unknown) => void;
}

/** What becomes of operations on this hub, told at most once; for their ends see `announceEnd`. */
export interface OperationEvents {
  'operation-started': (event: { readonly operation: Operation }) => void;
  /** It waits for its owner to answer `operation.requests`. */
  'input-required': (event: { readonly operation: Operation }) => void;
}

/** What the work itself gets. */
export interface OperationContext {
  readonly id: string;
  /** Aborted when the operation is cancelled, on whichever hub, or this hub closes. */
  readonly signal: AbortSignal;
  /** Many steps in a short time are put on record as the last of them. */
  progress(step: Progress): Promise<void>;
  /**
   * Waits until the owner has answered every question; the answers have the keys of the questions.
   *
   * @throws {CancelledError} when it is cancelled meanwhile, {@link ConflictError} while an earlier `ask` is still waiting.
   */
  ask(requests: Readonly<Record<string, InputRequest>>): Promise<Readonly<Record<string, unknown>>>;
}

/** Long-running work: durable, bound to whoever started it, and final once it has ended. Any hub over the store can show, answer and cancel it. */
export interface Operations {
  readonly events: Listenable<OperationEvents>;
  /**
   * Starts work in the background and returns once it is on record.
   *
   * @throws {ClosedError} after `close`, {@link UnavailableError} when the owner has too many under way.
   */
  start(request: { readonly principal: Principal; readonly name: string }, run: (context: OperationContext) => Promise<CallResult>): Promise<Operation>;
  /** @throws {NotFoundError} when there is none of that id, or it is somebody else's: the two are not told apart. */
  get(id: string, principal: Principal): Promise<Operation>;
  /** The principal's own, newest first. Callers without a credential are all one principal: they have none to list, and need the id. */
  list(principal: Principal, filter?: { readonly status?: OperationStatus }): Promise<readonly Operation[]>;
  /** Cancels it, or leaves it as it has ended. @throws {NotFoundError} */
  cancel(id: string, principal: Principal): Promise<Operation>;
  /**
   * Answers all or some of what it waits for; what it did not ask is ignored.
   *
   * @throws {NotFoundError}, {@link InvalidInputError} when it waits for nothing.
   */
  answer(id: string, principal: Principal, responses: Readonly<Record<string, unknown>>): Promise<Operation>;
  /** Its states from now on, the present one first; ends with the operation. @throws {NotFoundError} */
  watch(id: string, principal: Principal, options?: { readonly signal?: AbortSignal }): AsyncIterable<Operation>;
  /**
   * To be called when a process starts, and from then on called now and then by itself: marks as failed what no living hub works on
   * (`INTERRUPTED`) and what nobody has answered (`EXPIRED`), and drops what has been kept long enough. Returns how many it marked.
   */
  recover(): Promise<number>;
  /** Ends what runs in this process, as failed (`INTERRUPTED`), and waits for it: `graceMs`, and as long again for what the store has to be told. */
  close(): Promise<void>;
}

const PREFIX = 'core/operation/';

export function createOperations(options: OperationsOptions): Operations {
  const { store, clock = systemClock, ids = randomIds, ttlMs = 3_600_000, answerWithinMs = 86_400_000, leaseMs = 30_000 } = options;
  const { hub = ids('hub'), sweepMs = 60_000, graceMs = 5_000, maxPerOwner = 100, announceEnd, onError = () => {} } = options;
  const { events, tell } = createTeller<OperationEvents>(onError);
  const ends = announceEnd && createOperationEnds({ store, announceEnd, onError });
  const running = new Map<string, OperationWork>();
  const lease = createOperationLease(store, hub, leaseMs, () => running.size > 0);
  const closing = new AbortController();
  let sweeper: ReturnType<typeof setInterval> | undefined;
  let following: Promise<void> | undefined;

  const load = async (id: string) => {
    const entry = /^[\w-]{1,100}$/.test(id) ? await store.get(PREFIX + id) : undefined;
    return entry && keptIn(entry);
  };
  const owned = async (id: string, principal: Principal) => {
    const entry = await load(id);
    if (entry === undefined || entry.operation.owner !== ownerOf(principal)) throw new NotFoundError(`there is no operation ${JSON.stringify(id)}`);
    return entry;
  };
  /** Compare-and-set, so that two hubs agree on what happened first. Returns the state after the event, or as it was when it could not happen. */
  const apply = async (id: string, event: OperationEvent): Promise<{ operation: Operation; happened: boolean }> => {
    for (;;) {
      const entry = await load(id);
      if (entry === undefined) throw new NotFoundError(`there is no operation ${JSON.stringify(id)}`);
      const next = transition(entry.operation, event, clock.now());
      if (next === undefined) return { operation: entry.operation, happened: false };
      let revision: number;
      try {
        const ttl = hasEnded(next) && ends === undefined ? { ttlMs: next.ttlMs } : {};
        revision = (await store.put(PREFIX + id, next as unknown as JsonObject, { expected: entry.revision, ...ttl })).revision;
      } catch (error) {
        if (error instanceof ConflictError) continue;
        throw error;
      }
      running.get(id)?.notice(next);
      if (hasEnded(next)) void ends?.announce({ key: PREFIX + id, operation: next, revision, isAnnounced: false });
      else if (event.type === 'asked') tell('input-required', { operation: next });
      return { operation: next, happened: true };
    }
  };

  const hear = (id: string, operation: Operation | undefined) => {
    if (operation === undefined) running.get(id)?.gone();
    else running.get(id)?.notice(operation);
  };
  /** Hears what other hubs did to the operations that run here. */
  const follow = async () => {
    const { signal } = closing;
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      try {
        const changes = store.watch(PREFIX, { signal })[Symbol.asyncIterator]();
        const first = changes.next();
        first.catch(() => {});
        // The watch has begun: what it did not see is what is there now.
        if (!isFirst) for (const id of running.keys()) hear(id, (await load(id))?.operation);
        for (let { done, value } = await first; done !== true; { done, value } = await changes.next())
          hear(value.key.slice(PREFIX.length), value.type === 'put' ? operationIn(value) : undefined);
      } catch (error) {
        if (error instanceof ClosedError) return;
        if (!signal.aborted) onError(error);
      }
      await pause(1_000, signal);
    }
  };

  const sweep = async (): Promise<number> => {
    const living = new Map<string, Promise<boolean>>();
    const isAlive = (other: string) => {
      if (other === hub) return Promise.resolve(false); // What this hub works on, it knows.
      const known = living.get(other) ?? lease.isHeld(other);
      living.set(other, known);
      return known;
    };
    let marked = 0;
    for await (const entry of store.list(PREFIX)) {
      const kept = keptIn(entry);
      const { operation } = kept;
      const age = clock.now() - Date.parse(operation.updatedAt);
      // Whoever saw it end has a moment to tell of it.
      if (ends?.isOpen(kept) && (operation.hub === hub || age >= leaseMs)) {
        await ends.announce(kept);
        continue;
      }
      if (hasEnded(operation)) {
        if (ends !== undefined && !kept.isAnnounced) continue;
        if (age >= operation.ttlMs) await store.delete(entry.key, { expected: entry.revision }).catch(ignoreConflict);
        continue;
      }
      const isLost = !running.has(operation.id) && !(await isAlive(operation.hub));
      if (!isLost && (operation.status !== 'input_required' || age < answerWithinMs)) continue;
      if ((await apply(operation.id, isLost ? INTERRUPTED : EXPIRED)).happened) marked += 1;
    }
    return marked;
  };
  const sweepNowAndThen = () => {
    sweeper ??= inBackground(setInterval(() => sweep().catch(onError), sweepMs));
  };

  return {
    events,
    async start({ principal, name }, run) {
      const refuseClosed = () => {
        if (closing.signal.aborted) throw new ClosedError('the hub is closing and starts no more operations; try again when it is back');
      };
      refuseClosed();
      const owner = ownerOf(principal);
      let own = 0;
      for (const work of running.values()) if (work.owner === owner) own += 1;
      if (own >= maxPerOwner) throw new UnavailableError(`${own} operations of yours are under way, as many as may be; wait for one, or cancel one`);
      const id = ids('op');
      const work = createOperationWork({ id, owner, run, apply: (event) => apply(id, event), onError });
      // Known here before it is on record, so that no sweep takes it for lost.
      running.set(id, work);
      try {
        following ??= follow();
        sweepNowAndThen();
        await lease.hold();
        const now = new Date(clock.now()).toISOString();
        const operation: Operation = { id, owner, hub, name, status: 'working', createdAt: now, updatedAt: now, ttlMs };
        refuseClosed();
        await store.put(PREFIX + id, operation as unknown as JsonObject, { expected: 0 });
        tell('operation-started', { operation });
        void work.begin().finally(() => running.delete(id));
        return operation;
      } catch (error) {
        running.delete(id);
        throw error;
      }
    },
    get: async (id, principal) => (await owned(id, principal)).operation,
    async list(principal, { status } = {}) {
      if (principal.kind === 'anonymous') return [];
      const owner = ownerOf(principal);
      const found: Operation[] = [];
      for await (const entry of store.list(PREFIX)) {
        const operation = operationIn(entry);
        if (operation.owner === owner && (status === undefined || operation.status === status)) found.push(operation);
      }
      return found.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
    },
    async cancel(id, principal) {
      await owned(id, principal);
      return (await apply(id, { type: 'cancelled', message: `cancelled by ${principal.id}` })).operation;
    },
    async answer(id, principal, responses) {
      await owned(id, principal);
      const { operation, happened } = await apply(id, { type: 'answered', responses });
      if (!happened && operation.status !== 'input_required')
        throw new InvalidInputError(`the operation ${id} waits for nothing; it is ${operation.status}`, { details: { status: operation.status } });
      return operation;
    },
    async *watch(id, principal, { signal } = {}) {
      for (;;) {
        const { operation, revision } = await owned(id, principal);
        yield operation;
        if (hasEnded(operation)) return;
        try {
          // A watch is of a prefix, which may be that of other ids too.
          for await (const change of store.watch(PREFIX + id, { from: revision, ...(signal !== undefined && { signal }) })) {
            if (change.key !== PREFIX + id) continue;
            if (change.type === 'delete') return;
            const next = operationIn(change);
            yield next;
            if (hasEnded(next)) return;
          }
          return;
        } catch (error) {
          if (!(error instanceof HistoryDroppedError)) throw error;
        }
      }
    },
    async recover() {
      sweepNowAndThen();
      const marked = await sweep();
      await ends?.settle();
      return marked;
    },
    async close() {
      if (closing.signal.aborted) return;
      clearInterval(sweeper);
      closing.abort(new ClosedError('the hub is closing'));
      const ending = [...running.values()].map(async (work) => {
        await work.end(INTERRUPTED).catch(onError);
        await work.done;
      });
      /** A store that hangs holds nobody up: the lease runs out by itself, and another hub marks what was not marked here. */
      const inTime = async (work: Promise<unknown>) => {
        const late = new AbortController();
        await Promise.race([work, pause(graceMs, late.signal)]);
        late.abort();
      };
      await inTime(Promise.all(ending));
      await inTime(Promise.all([ends?.settle(), following, lease.release().catch(onError)]));
    },
  };
}

const INTERRUPTED = { type: 'failed', code: 'INTERRUPTED', message: 'the hub stopped while this was under way; start it again' } as const;
const EXPIRED = { type: 'failed', code: 'EXPIRED', message: 'nobody answered in time; start it again' } as const;

function operationIn({ value }: Pick<KeyValueEntry, 'value'>): Operation {
  const { isAnnounced: _isAnnounced, ...operation } = value as unknown as Operation & { readonly isAnnounced?: boolean };
  return operation;
}

function keptIn({ key, value, revision }: KeyValueEntry): KeptOperation {
  return { key, operation: operationIn({ value }), revision, isAnnounced: (value as { readonly isAnnounced?: boolean }).isAnnounced === true };
}

function ignoreConflict(error: unknown): void {
  if (!(error instanceof ConflictError)) throw error;
}
