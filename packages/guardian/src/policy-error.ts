import { MeshworkError } from '@meshwork/core';

/** A policy or the schema cannot be used; nothing was loaded. */
export class PolicyError extends MeshworkError<'POLICY_INVALID'> {
  constructor(message: string, options?: { cause?: unknown }) {
    super('POLICY_INVALID', message, options);
  }
}
