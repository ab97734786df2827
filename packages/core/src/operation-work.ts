import type { Progress } from './call.ts';
import { CancelledError, ConflictError, MeshworkError } from './errors.ts';
import { hasEnded, type Operation, type OperationEvent } from './operation.ts';
import { inBackground } from './operation-lease.ts';
import type { OperationContext } from './operations.ts';
import type { CallResult, InputRequest } from './result.ts';

export interface OperationWorkOptions {
  readonly id: string;
  readonly owner: string;
  readonly run: (context: OperationContext) => Promise<CallResult>;
  /** Puts on record what happened, when it can happen. */
  readonly apply: (event: OperationEvent) => Promise<{ readonly operation: Operation; readonly happened: boolean }>;
  readonly onError: (error: unknown) => void;
}

/** One operation's work in this process. */
export interface OperationWork {
  readonly owner: string;
  /** Settled once the work has stopped and its end is on record. */
  readonly done: Promise<void>;
  begin(): Promise<void>;
  /** Hears of a state that the operation has come to, here or on another hub, perhaps more than once. */
  notice(operation: Operation): void;
  /** Hears that the operation is no longer on record. */
  gone(): void;
  /** Puts its end on record and then stops the work. */
  end(event: OperationEvent): Promise<void>;
}

/** At most one step of progress in so many milliseconds is put on record; the last one always is. */
const PROGRESS_MS = 100;

interface Question {
  /** The work's own keys by those on record. */
  readonly keys: ReadonlyMap<string, string>;
  resolve(responses: Readonly<Record<string, unknown>>): void;
}

export function createOperationWork({ id, owner, run, apply, onError }: OperationWorkOptions): OperationWork {
  const controller = new AbortController();
  const { signal } = controller;
  const usedKeys = new Set<string>();
  let question: Question | undefined;
  let hasReturned = false;
  let whenStopped: OperationEvent = { type: 'cancelled' };
  let settle: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const stop = (reason: MeshworkError) => {
    if (!hasReturned) controller.abort(reason);
  };

  let unwritten: Progress | undefined;
  let lastWritten = Number.NEGATIVE_INFINITY;
  let later: ReturnType<typeof setTimeout> | undefined;
  const writeProgress = async () => {
    clearTimeout(later);
    later = undefined;
    const progress = unwritten;
    if (progress === undefined) return;
    unwritten = undefined;
    lastWritten = performance.now();
    const { message } = progress;
    await apply({ type: 'progressed', progress, ...(message !== undefined && { message }) });
  };

  const context: OperationContext = {
    id,
    signal,
    async progress(step) {
      unwritten = step;
      const wait = lastWritten + PROGRESS_MS - performance.now();
      if (wait <= 0) await writeProgress();
      else later ??= inBackground(setTimeout(() => writeProgress().catch(onError), wait));
    },
    async ask(requests) {
      signal.throwIfAborted();
      if (question !== undefined) throw new ConflictError(`the operation ${id} is still waiting for an answer; ask again when it is there`);
      const { keys, named } = nameAnew(requests, usedKeys);
      if (keys.size === 0) throw new TypeError('ask at least one question');
      let onAbort = () => {};
      const answered = new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
        question = { keys, resolve };
        onAbort = () => reject(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
      });
      answered.catch(() => {});
      try {
        await writeProgress();
        const { happened } = await apply({ type: 'asked', requests: named });
        if (!happened) throw new CancelledError(`the operation ${id} has ended and can ask nothing`);
        return await answered;
      } finally {
        question = undefined;
        signal.removeEventListener('abort', onAbort);
      }
    },
  };

  const finish = async () => {
    let event: OperationEvent;
    try {
      signal.throwIfAborted();
      event = { type: 'completed', result: await run(context) };
    } catch (error) {
      const { code, message } = MeshworkError.isInstance(error) ? error : { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
      event = signal.aborted ? whenStopped : { type: 'failed', code, message };
    }
    hasReturned = true;
    await writeProgress().catch(onError);
    await apply(event);
  };

  return {
    owner,
    done,
    begin: () => Promise.resolve().then(finish).catch(onError).then(settle),
    notice(operation) {
      if (hasEnded(operation)) stop(new CancelledError(`the operation ${id} was ended: ${operation.status}`));
      const { responses } = operation;
      if (operation.status !== 'working' || responses === undefined || question === undefined) return;
      // A state may be told late: what belongs to an earlier question has other keys.
      if (![...question.keys.keys()].every((key) => Object.hasOwn(responses, key))) return;
      question.resolve(Object.fromEntries([...question.keys].map(([key, own]) => [own, responses[key]])));
    },
    gone: () => stop(new CancelledError(`the operation ${id} is no longer on record`)),
    async end(event) {
      whenStopped = event;
      try {
        await apply(event);
      } finally {
        stop(new CancelledError('the hub is closing'));
      }
    },
  };
}

/** A key means one question for as long as the operation lives (SEP-2663, tasks/update): one that was used before gets a number. */
function nameAnew(requests: Readonly<Record<string, InputRequest>>, used: Set<string>) {
  const keys = new Map<string, string>();
  const named: Record<string, InputRequest> = {};
  for (const [own, request] of Object.entries(requests)) {
    let key = own;
    for (let count = 2; used.has(key) || keys.has(key); count += 1) key = `${own}-${count}`;
    keys.set(key, own);
    named[key] = request;
  }
  for (const key of keys.keys()) used.add(key);
  return { keys, named };
}
