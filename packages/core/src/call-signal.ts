import type { Abortable, AbortListener } from './call.ts';
import { CancelledError, DeadlineError, type MeshworkError } from './errors.ts';

/** What ends one call early: its caller, its deadline or the hub. */
export interface CallSignal {
  /** Made when somebody first asks for it: most calls end before anybody does. */
  readonly signal: AbortSignal;
  /** @throws what ended the call, when something has. */
  throwIfEnded(): void;
  /** The work's outcome, or a rejection with what ended the call first: nobody waits for work that does not listen. */
  race<T>(work: Promise<T>): Promise<T>;
  cancel(reason: CancelledError): void;
  /** Tells one watcher, once, after whoever races; now, when the call has ended already. */
  watch(watcher: EndWatcher): void;
  /** Lets go of everything it listens to. */
  release(): void;
}

/** Hears what has ended a call early. */
export interface EndWatcher {
  callEnded(reason: MeshworkError): void;
}

/**
 * Linked by hand: `AbortSignal.any` and `.timeout` keep memory until they fire. A class without closures, because there is one for every call:
 * V8 (Node 24) takes closures that are kept in objects for long-lived, and then each collection of young objects copies every call's whole graph.
 */
class LinkedSignal implements CallSignal, AbortListener {
  readonly #parent: Abortable | undefined;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  #reason: MeshworkError | undefined;
  #controller: AbortController | undefined;
  #onEnd: ((reason: MeshworkError) => void) | undefined;
  #watcher: EndWatcher | undefined;

  constructor(parent: Abortable | undefined, timeoutMs: number | undefined) {
    this.#parent = parent;
    if (parent?.aborted) this.handleEvent();
    else parent?.addEventListener('abort', this, { once: true });
    if (timeoutMs !== undefined) {
      if (timeoutMs <= 0) LinkedSignal.#expire(this);
      else this.#timer = setTimeout(LinkedSignal.#expire, Math.min(timeoutMs, 2 ** 31 - 1), this);
    }
  }

  /** The caller has given up. */
  handleEvent(): void {
    this.#end(cancellationOf(this.#parent?.reason));
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  throwIfEnded(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#reason !== undefined) reject(this.#reason);
      // Others may wait for other work of the same call.
      const earlier = this.#onEnd;
      this.#onEnd = (reason) => {
        reject(reason);
        earlier?.(reason);
      };
      work.then(resolve, reject);
    });
  }

  cancel(reason: CancelledError): void {
    this.#end(reason);
  }

  watch(watcher: EndWatcher): void {
    this.#watcher = watcher;
    if (this.#reason !== undefined) watcher.callEnded(this.#reason);
  }

  release(): void {
    clearTimeout(this.#timer);
    this.#parent?.removeEventListener('abort', this);
  }

  static #expire(signal: LinkedSignal): void {
    signal.#end(new DeadlineError('the deadline of the call has passed'));
  }

  #end(reason: MeshworkError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.#onEnd?.(reason);
    this.#watcher?.callEnded(reason);
  }
}

/** A face that ends a call for a reason of its own says so; whatever else ends it is its caller. */
function cancellationOf(reason: unknown): CancelledError {
  return reason instanceof CancelledError ? reason : new CancelledError('the call was cancelled by its caller', { cause: reason });
}

/** Ends when `parent` aborts, or after `timeoutMs`. */
export function createCallSignal(parent: Abortable | undefined, timeoutMs: number | undefined): CallSignal {
  return new LinkedSignal(parent, timeoutMs);
}
