import { type Abortable, type AbortListener, type CallResult, CancelledError, ClosedError, createRoster, type Enrolled, type Hub } from '@meshwork/core';

/** A hub as faces see it that can close before the hub does. */
export interface ClosingHub {
  readonly hub: Hub;
  /** Refuses new calls, waits for those under way, and has the hub cancel the rest when `graceMs` have passed: their callers are told so. */
  close(graceMs: number): Promise<void>;
}

/** The same hub, with its calls counted. */
export function createClosingHub(behind: Hub): ClosingHub {
  const endings = createRoster<CallEnding>();
  let idle: (() => void) | undefined;
  let closed: Promise<void> | undefined;

  const call: Hub['call'] = async (request): Promise<CallResult> => {
    if (closed !== undefined) throw new ClosedError('the hub is closing and takes no more calls; try again when it is back');
    const ending = new CallEnding(request.signal);
    endings.add(ending);
    try {
      return await behind.call({ ...request, signal: ending });
    } finally {
      endings.delete(ending);
      if (endings.size === 0) idle?.();
    }
  };
  const close = async (graceMs: number) => {
    if (endings.size === 0) return;
    const grace = setTimeout(() => {
      for (const ending of endings.members()) ending.end();
    }, graceMs);
    await new Promise<void>((resolve) => {
      idle = resolve;
    });
    clearTimeout(grace);
  };
  return {
    hub: Object.create(behind, { call: { value: call } }) as Hub,
    close(graceMs) {
      closed ??= close(graceMs);
      return closed;
    },
  };
}

/** A caller's signal that the face can set off too. By hand: `AbortSignal.any` costs each call more than the rest of its way. */
class CallEnding implements Abortable, Enrolled {
  place = 0;
  readonly #caller: Abortable | undefined;
  #ended = false;
  #listener: AbortListener | undefined;

  constructor(caller: Abortable | undefined) {
    this.#caller = caller;
  }

  get aborted(): boolean {
    return this.#ended || this.#caller?.aborted === true;
  }

  get reason(): unknown {
    return this.#ended ? new CancelledError('the call was cancelled: the hub is closing') : this.#caller?.reason;
  }

  end(): void {
    this.#ended = true;
    this.#listener?.handleEvent();
  }

  addEventListener(type: 'abort', listener: AbortListener, options?: { readonly once?: boolean }): void {
    this.#listener = listener;
    this.#caller?.addEventListener(type, listener, options);
  }

  removeEventListener(type: 'abort', listener: AbortListener): void {
    this.#listener = undefined;
    this.#caller?.removeEventListener(type, listener);
  }
}
