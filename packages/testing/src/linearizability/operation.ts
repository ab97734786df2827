/** An operation whose outcome its client knows. */
export interface FinishedOperation<Input, Output> {
  readonly client: string;
  readonly input: Input;
  readonly output: Output;
  /** When the client called, on one scale for all clients of the history; no unit is assumed. */
  readonly called: number;
  /** When the client had its answer: not before `called`. One operation came before another only if it returned strictly before the other was called. */
  readonly returned: number;
}

/** An operation without a known outcome: its client crashed, or was told that nobody knows. It took effect at any time after the call, or never. */
export interface PendingOperation<Input> {
  readonly client: string;
  readonly input: Input;
  readonly called: number;
  readonly returned?: undefined;
}

/** One line of a history. What certainly did not happen is left out of a history. */
export type Operation<Input, Output> = FinishedOperation<Input, Output> | PendingOperation<Input>;
