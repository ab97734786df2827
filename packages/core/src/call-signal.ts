import { CancelledError, DeadlineError } from './errors.ts';

/** A signal for one call, and the means to let go of everything it listens to. */
export interface CallSignal {
  readonly signal: AbortSignal;
  cancel(reason: CancelledError): void;
  release(): void;
}

/** Aborts when `parent` does, or after `timeoutMs`. Linked by hand: `AbortSignal.any` and `.timeout` keep memory until they fire. */
export function createCallSignal(parent: AbortSignal | undefined, timeoutMs: number | undefined): CallSignal {
  const controller = new AbortController();
  const onParent = () => controller.abort(new CancelledError('the call was cancelled by its caller', { cause: parent?.reason }));
  if (parent?.aborted) onParent();
  else parent?.addEventListener('abort', onParent, { once: true });
  const expire = () => controller.abort(new DeadlineError('the deadline of the call has passed'));
  let timer: ReturnType<typeof setTimeout> | undefined;
  if (timeoutMs !== undefined) {
    if (timeoutMs <= 0) expire();
    else timer = setTimeout(expire, Math.min(timeoutMs, 2 ** 31 - 1));
  }
  return {
    signal: controller.signal,
    cancel: (reason) => controller.abort(reason),
    release() {
      clearTimeout(timer);
      parent?.removeEventListener('abort', onParent);
    },
  };
}
