import type { SequentialModel } from './model.ts';
import type { FinishedOperation, Operation, PendingOperation } from './operation.ts';
import { type SearchBound, type SearchPart, searchOrder } from './search.ts';
import { drawTimeline } from './timeline.ts';

/** Why a history is not linearizable. */
export interface Counterexample<Input, Output> {
  /** The part it is about; `undefined` when the model has no parts. */
  readonly partition: string | undefined;
  /** The shortest beginning of the part's history that no order explains (that was found within the bounds): what had not returned by its end counts as pending. In the order of the calls. */
  readonly operations: readonly Operation<Input, Output>[];
  /** The operation that returned last: before it did, everything could be explained. */
  readonly last: FinishedOperation<Input, Output>;
  /** An order that explains as many of them as could be found. */
  readonly order: readonly Operation<Input, Output>[];
  /** All of it for people: the last operations as a timeline, and which of them found no place. */
  readonly timeline: string;
}

/** Finds the shortest beginning that fails, by halving: what follows a failure cannot mend it. */
export function findCounterexample<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  part: SearchPart<Input, Output>,
  { partition, bound }: { readonly partition: string | undefined; readonly bound: SearchBound },
): Counterexample<Input, Output> {
  const byReturn = part.finished.toSorted((a, b) => a.returned - b.returned);
  const whole = { ...beginningOf(part, Number.POSITIVE_INFINITY), order: searchOrder(model, part, bound).order, last: byReturn.length - 1 };
  let smallest = whole;
  let low = 0;
  let high = byReturn.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const beginning = beginningOf(part, byReturn[middle]?.returned ?? Number.POSITIVE_INFINITY);
    const { verdict, order } = searchOrder(model, beginning, bound);
    if (verdict === 'violated') {
      smallest = { ...beginning, order, last: middle };
      high = middle;
    } else low = middle + 1;
  }
  const last = byReturn[smallest.last];
  if (last === undefined) throw new TypeError('a history without finished operations cannot be violated; the model is not pure');
  const indexed: readonly Operation<Input, Output>[] = [...smallest.finished, ...smallest.pending];
  const order = smallest.order.flatMap((index) => indexed[index] ?? []);
  const operations = indexed.toSorted((a, b) => a.called - b.called);
  return { partition, operations, last, order, timeline: drawTimeline({ partition, operations, order }) };
}

function beginningOf<Input, Output>({ finished, pending }: SearchPart<Input, Output>, end: number): SearchPart<Input, Output> {
  const cut: PendingOperation<Input>[] = finished
    .filter(({ called, returned }) => called <= end && returned > end)
    .map(({ client, input, called }) => ({ client, input, called }));
  return {
    finished: finished.filter(({ returned }) => returned <= end),
    pending: [...pending.filter(({ called }) => called <= end), ...cut].toSorted((a, b) => a.called - b.called),
  };
}
