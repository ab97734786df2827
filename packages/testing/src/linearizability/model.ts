/** What an object does when its operations come one at a time: the specification that a history is held against. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State;
  /** Pure: the same state and input give the same answer, and no state is ever changed in place. */
  apply(state: State, input: Input): { readonly state: State; readonly output: Output };
  /** Equal for equal states, different for different ones. */
  stateKey(state: State): string;
  /** Whether what a client saw is what the model says. Default: `Object.is`. */
  agrees?(seen: Output, expected: Output): boolean;
  /**
   * The part of the object an operation touches, such as its key. Parts are checked apart, which is sound because linearizability is local (Herlihy and
   * Wing 1990), and what makes long histories cheap. An operation on two parts at once cannot be split: leave this out then.
   */
  partitionOf?(input: Input): string;
}
