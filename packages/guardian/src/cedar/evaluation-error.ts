/** What Cedar calls an evaluation error: the policy at hand neither holds nor fails to hold; it is skipped and reported. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
}

/** Something in a policy or a schema that this evaluator does not know. Whoever meets it decides with cedar-wasm instead. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError';
}
