import type { Progress } from './call.ts';
import { type Clock, systemClock } from './clock.ts';
import { CancelledError, ConflictError, InvalidInputError, MeshworkError, NotFoundError } from './errors.ts';
import { type IdSource, randomIds } from './ids.ts';
import type { JsonObject } from './json.ts';
import type { KeyValueStore } from './key-value-store.ts';
import { hasEnded, type Operation, type OperationEvent, type OperationStatus, transition } from './operation.ts';
import type { Principal } from './principal.ts';
import type { CallResult, InputRequest } from './result.ts';

export interface OperationsOptions {
  readonly store: KeyValueStore;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  /** How long an ended operation is kept, in milliseconds. Default 3,600,000 (an hour). */
  readonly ttlMs?: number;
}

/** What the work itself gets. */
export interface OperationContext {
  readonly id: string;
  /** Aborted when the operation is cancelled or the hub closes. */
  readonly signal: AbortSignal;
  progress(step: Progress): Promise<void>;
  /** Waits until the owner has answered. @throws {CancelledError} when it is cancelled meanwhile. */
  ask(requests: Readonly<Record<string, InputRequest>>): Promise<Readonly<Record<string, unknown>>>;
}

/** Long-running work: durable, bound to whoever started it, and final once it has ended. */
export interface Operations {
  /** Starts work in the background and returns at once. */
  start(request: { readonly principal: Principal; readonly name: string }, run: (context: OperationContext) => Promise<CallResult>): Promise<Operation>;
  /** @throws {NotFoundError} when there is none of that id, or it is somebody else's: the two are not told apart. */
  get(id: string, principal: Principal): Promise<Operation>;
  /** The principal's own, newest first. */
  list(principal: Principal, filter?: { readonly status?: OperationStatus }): Promise<readonly Operation[]>;
  /** Cancels it, or leaves it as it has ended. @throws {NotFoundError} */
  cancel(id: string, principal: Principal): Promise<Operation>;
  /** Answers what it waits for. @throws {NotFoundError}, {@link InvalidInputError} when it waits for nothing. */
  answer(id: string, principal: Principal, responses: Readonly<Record<string, unknown>>): Promise<Operation>;
  /** Its states from now on, the present one first; ends with the operation. @throws {NotFoundError} */
  watch(id: string, principal: Principal, options?: { readonly signal?: AbortSignal }): AsyncIterable<Operation>;
  /** To be called when a process starts: marks what the last one left unfinished as failed (`INTERRUPTED`). Returns how many. */
  recover(): Promise<number>;
  /** Cancels what runs in this process and waits for it. */
  close(): Promise<void>;
}

const PREFIX = 'core/operation/';

export function createOperations({ store, clock = systemClock, ids = randomIds, ttlMs = 3_600_000 }: OperationsOptions): Operations {
  const running = new Map<
    string,
    { readonly controller: AbortController; readonly done: Promise<void>; answered?: (responses: Readonly<Record<string, unknown>>) => void }
  >();

  const load = async (id: string) => {
    const entry = /^[\w-]{1,100}$/.test(id) ? await store.get(PREFIX + id) : undefined;
    return entry && { operation: entry.value as unknown as Operation, revision: entry.revision };
  };
  const owned = async (id: string, principal: Principal) => {
    const entry = await load(id);
    if (entry === undefined || entry.operation.owner !== principal.id) throw new NotFoundError(`there is no operation ${JSON.stringify(id)}`);
    return entry;
  };
  /** Compare-and-set, so that two hubs agree on what happened first. Returns the state after the event, or as it was when it could not happen. */
  const apply = async (id: string, event: OperationEvent): Promise<{ operation: Operation; happened: boolean }> => {
    for (;;) {
      const entry = await load(id);
      if (entry === undefined) throw new NotFoundError(`there is no operation ${JSON.stringify(id)}`);
      const next = transition(entry.operation, event, clock.now());
      if (next === undefined) return { operation: entry.operation, happened: false };
      try {
        await store.put(PREFIX + id, next as unknown as JsonObject, { expected: entry.revision, ...(hasEnded(next) && { ttlMs: next.ttlMs }) });
        return { operation: next, happened: true };
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  };

  const runInBackground = (id: string, run: (context: OperationContext) => Promise<CallResult>): void => {
    const controller = new AbortController();
    const { signal } = controller;
    const context: OperationContext = {
      id,
      signal,
      progress: async (progress) => {
        await apply(id, { type: 'progressed', progress });
      },
      ask(requests) {
        return new Promise((resolve, reject) => {
          const entry = running.get(id);
          if (entry !== undefined) entry.answered = resolve;
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          apply(id, { type: 'asked', requests })
            .then(({ happened }) => happened || reject(new CancelledError(`the operation ${id} has ended and can ask nothing`)))
            .catch(reject);
        });
      },
    };
    const work = async () => {
      try {
        await apply(id, { type: 'completed', result: await run(context) });
      } catch (error) {
        const { code, message } = MeshworkError.isInstance(error)
          ? error
          : { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
        await apply(id, signal.aborted ? { type: 'cancelled' } : { type: 'failed', code, message });
      }
    };
    const done = Promise.resolve()
      .then(work)
      .catch(() => {})
      .finally(() => running.delete(id));
    running.set(id, { controller, done });
  };

  return {
    async start({ principal, name }, run) {
      const now = new Date(clock.now()).toISOString();
      const operation: Operation = { id: ids('op'), owner: principal.id, name, status: 'working', createdAt: now, updatedAt: now, ttlMs };
      await store.put(PREFIX + operation.id, operation as unknown as JsonObject, { expected: 0 });
      runInBackground(operation.id, run);
      return operation;
    },
    get: async (id, principal) => (await owned(id, principal)).operation,
    async list(principal, { status } = {}) {
      const found: Operation[] = [];
      for await (const { value } of store.list(PREFIX)) {
        const operation = value as unknown as Operation;
        if (operation.owner === principal.id && (status === undefined || operation.status === status)) found.push(operation);
      }
      return found.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
    },
    async cancel(id, principal) {
      await owned(id, principal);
      const { operation } = await apply(id, { type: 'cancelled', message: `cancelled by ${principal.id}` });
      running.get(id)?.controller.abort(new CancelledError(`the operation ${id} was cancelled`));
      return operation;
    },
    async answer(id, principal, responses) {
      await owned(id, principal);
      const waiting = running.get(id)?.answered;
      const { operation, happened } = await apply(id, { type: 'answered' });
      if (!happened) throw new InvalidInputError(`the operation ${id} waits for nothing; it is ${operation.status}`);
      waiting?.(responses);
      return operation;
    },
    async *watch(id, principal, { signal } = {}) {
      const { operation, revision } = await owned(id, principal);
      yield operation;
      if (hasEnded(operation)) return;
      for await (const change of store.watch(PREFIX + id, { from: revision, ...(signal !== undefined && { signal }) })) {
        if (change.type === 'delete') return;
        const next = change.value as unknown as Operation;
        yield next;
        if (hasEnded(next)) return;
      }
    },
    async recover() {
      let interrupted = 0;
      for await (const { value } of store.list(PREFIX)) {
        const { id } = value as unknown as Operation;
        if (running.has(id)) continue;
        const { happened } = await apply(id, { type: 'failed', code: 'INTERRUPTED', message: 'the hub stopped while this was under way; start it again' });
        if (happened) interrupted += 1;
      }
      return interrupted;
    },
    async close() {
      const all = [...running.values()];
      for (const { controller } of all) controller.abort(new CancelledError('the hub is closing'));
      await Promise.all(all.map(({ done }) => done));
    },
  };
}
