import { MeshworkError } from '@meshwork/core';

/**
 * The hub issues nothing that expires, because its wall clock has jumped. `details.retryAfterMs` says when it will again, in milliseconds; without
 * it an operator has to act.
 */
export class ClockUnsureError extends MeshworkError<'CLOCK_UNSURE'> {
  constructor(message: string, retryAfterMs?: number) {
    super('CLOCK_UNSURE', message, retryAfterMs === undefined ? {} : { details: { retryAfterMs } });
  }
}
