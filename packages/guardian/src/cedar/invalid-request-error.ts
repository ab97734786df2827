/** A request that does not fit the schema; nothing is decided about it. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError';
}
