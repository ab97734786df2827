import type { FinishedOperation, Operation, SequentialModel } from '@meshwork/testing/linearizability';

/** Tries every order of the finished operations with every choice of the pending ones: slow, and too plain to be wrong. */
export function isLinearizableByForce<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
): boolean {
  const finished = history.filter((operation): operation is FinishedOperation<Input, Output> => operation.returned !== undefined);
  const pending = history.filter(({ returned }) => returned === undefined);
  for (let choice = 0; choice < 2 ** pending.length; choice++) {
    const chosen = pending.filter((_, index) => (choice >> index) % 2 === 1);
    for (const order of permutations<Operation<Input, Output>>([...finished, ...chosen])) if (isLegal(model, order)) return true;
  }
  return false;
}

function isLegal<State, Input, Output>(model: SequentialModel<State, Input, Output>, order: readonly Operation<Input, Output>[]): boolean {
  let { initial: state } = model;
  for (const [index, operation] of order.entries()) {
    if (order.slice(index + 1).some(({ returned = Number.POSITIVE_INFINITY }) => returned < operation.called)) return false;
    const next = model.apply(state, operation.input);
    if (operation.returned !== undefined && !Object.is(next.output, operation.output)) return false;
    state = next.state;
  }
  return true;
}

function* permutations<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length === 0) yield [];
  for (const [index, item] of items.entries()) for (const rest of permutations([...items.slice(0, index), ...items.slice(index + 1)])) yield [item, ...rest];
}
