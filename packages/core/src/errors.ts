const BRAND = Symbol.for('meshwork.error');

/**
 * Base of every error Meshwork throws on purpose. Dispatch on `code`, never on `message`.
 * `details` is safe to show to the caller: it never holds a secret.
 */
export class MeshworkError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly [BRAND] = true;

  constructor(code: Code, message: string, options: MeshworkErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.details = options.details;
  }

  /** True for an error of any copy of this package in the process. */
  static isInstance(value: unknown): value is MeshworkError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

export interface MeshworkErrorOptions {
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The caller's arguments do not fit: nothing was changed. */
export class InvalidInputError extends MeshworkError<'INVALID_INPUT'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('INVALID_INPUT', message, options);
  }
}

/** The named tool, resource, prompt or record does not exist. */
export class NotFoundError extends MeshworkError<'NOT_FOUND'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('NOT_FOUND', message, options);
  }
}

/** The credential opens nothing, and the caller can do something about it: see `challenge`. */
export class UnauthenticatedError extends MeshworkError<'UNAUTHENTICATED'> {
  /** The scheme and parameters of the challenge in the answer (RFC 9110 section 11.6.1), as in `DPoP error="invalid_dpop_proof"`. */
  readonly challenge: Challenge;

  constructor(message: string, options: MeshworkErrorOptions & { readonly challenge: Challenge }) {
    super('UNAUTHENTICATED', message, options);
    this.challenge = options.challenge;
  }
}

export interface Challenge {
  readonly scheme: 'Bearer' | 'DPoP';
  readonly parameters: Readonly<Record<string, string>>;
  /** Further headers of the answer, such as `dpop-nonce`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The caller is known and may not do this. */
export class DeniedError extends MeshworkError<'DENIED'> {
  /** The policies that decided, in the order the policy engine gave them. */
  readonly policies: readonly string[];

  constructor(message: string, options: MeshworkErrorOptions & { readonly policies?: readonly string[] } = {}) {
    const policies = options.policies ?? [];
    super('DENIED', message, { ...options, details: { policies, ...options.details } });
    this.policies = policies;
  }
}

/** The caller has used up what it may use for now: trying again later works. */
export class LimitedError extends MeshworkError<'LIMITED'> {
  /** Milliseconds after which trying again makes sense. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: MeshworkErrorOptions & { readonly retryAfterMs?: number } = {}) {
    const { retryAfterMs } = options;
    super('LIMITED', message, { ...options, details: { ...options.details, ...(retryAfterMs !== undefined && { retryAfterMs }) } });
    this.retryAfterMs = retryAfterMs;
  }
}

/** A compare-and-set met another revision, or a name is taken: nothing was changed. */
export class ConflictError extends MeshworkError<'CONFLICT'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('CONFLICT', message, options);
  }
}

/** The part needed is not there right now: trying again later may work. */
export class UnavailableError extends MeshworkError<'UNAVAILABLE'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('UNAVAILABLE', message, options);
  }
}

/** The work was sent and its outcome is not known: it may or may not have happened. */
export class UnknownOutcomeError extends MeshworkError<'UNKNOWN_OUTCOME'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('UNKNOWN_OUTCOME', message, options);
  }
}

/** The caller's deadline passed before the work was done. */
export class DeadlineError extends MeshworkError<'DEADLINE_EXCEEDED'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('DEADLINE_EXCEEDED', message, options);
  }
}

/** The caller gave up on the work. */
export class CancelledError extends MeshworkError<'CANCELLED'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('CANCELLED', message, options);
  }
}

/** The store, hub or server was closed before the work began. */
export class ClosedError extends MeshworkError<'CLOSED'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('CLOSED', message, options);
  }
}

/** Another process owns the store. */
export class StoreInUseError extends MeshworkError<'STORE_IN_USE'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('STORE_IN_USE', message, options);
  }
}

/** What the driver was pointed at is not a Meshwork store, or is one of a newer Meshwork. Nothing in it was changed. */
export class StoreFormatError extends MeshworkError<'STORE_FORMAT'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('STORE_FORMAT', message, options);
  }
}

/** The store can lose what it acknowledged, and whoever was given it cannot live with that. */
export class NotDurableError extends MeshworkError<'NOT_DURABLE'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('NOT_DURABLE', message, options);
  }
}

/** The history asked for has been dropped: list the present state, then follow from there. */
export class HistoryDroppedError extends MeshworkError<'HISTORY_DROPPED'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('HISTORY_DROPPED', message, options);
  }
}

/** The tool runs only as an operation, and this call cannot be answered with one. */
export class TaskRequiredError extends MeshworkError<'TASK_REQUIRED'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('TASK_REQUIRED', message, options);
  }
}

/** A bug or a broken part inside the hub. The cause is for the operator and never reaches a caller. */
export class InternalError extends MeshworkError<'INTERNAL'> {
  constructor(message: string, options?: MeshworkErrorOptions) {
    super('INTERNAL', message, options);
  }
}
