import { type Counterexample, findCounterexample } from './counterexample.ts';
import type { SequentialModel } from './model.ts';
import type { FinishedOperation, Operation, PendingOperation } from './operation.ts';
import { searchOrder } from './search.ts';

export interface CheckOptions {
  /** Operations that may be tried for each partition. Default 2,000,000: seconds, and some hundred megabytes. */
  readonly maxSteps?: number;
  /** Milliseconds for the whole check, by the machine's monotonic clock. Default: no limit, so that the same history has the same verdict everywhere. */
  readonly maxMs?: number;
}

/** What a check found; `steps` is what it cost. A violation in one part outweighs parts that could not be decided. */
export type Linearizability<Input, Output> =
  | { readonly verdict: 'linearizable'; readonly steps: number }
  | { readonly verdict: 'violated'; readonly steps: number; readonly counterexample: Counterexample<Input, Output> }
  /** Too much to search within the bounds; `partitions` were not decided. */
  | { readonly verdict: 'unknown'; readonly steps: number; readonly partitions: readonly string[] };

/**
 * Whether there is an order of the operations that the model agrees with, and in which nothing comes before what had returned before it was called: that
 * is linearizability (Herlihy and Wing 1990). By the algorithm of Wing and Gong (1993) with Lowe's memory (2017), as in Knossos and Porcupine.
 *
 * @throws {TypeError} when an operation returns before it is called, or a time is not a number.
 * @example
 * const { verdict } = checkLinearizable(registerModel(0), [
 *   { client: 'a', input: { type: 'write', value: 1 }, output: undefined, called: 1, returned: 2 },
 *   { client: 'b', input: { type: 'read' }, output: 0, called: 3, returned: 4 },
 * ]); // 'violated': the read came after the write
 */
export function checkLinearizable<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  history: Iterable<Operation<Input, Output>>,
  { maxSteps = 2_000_000, maxMs = Number.POSITIVE_INFINITY }: CheckOptions = {},
): Linearizability<Input, Output> {
  const end = performance.now() + maxMs;
  const bound = { maxSteps, isLate: () => performance.now() > end };
  const undecided: string[] = [];
  let steps = 0;
  for (const [partition, part] of splitHistory(model, history)) {
    const result = bound.isLate() ? { verdict: 'unknown' as const, steps: 0 } : searchOrder(model, part, bound);
    steps += result.steps;
    if (result.verdict === 'unknown') undecided.push(partition ?? '');
    if (result.verdict === 'violated') return { verdict: 'violated', steps, counterexample: findCounterexample(model, part, { partition, bound }) };
  }
  return undecided.length === 0 ? { verdict: 'linearizable', steps } : { verdict: 'unknown', steps, partitions: undecided };
}

interface Part<Input, Output> {
  readonly finished: FinishedOperation<Input, Output>[];
  readonly pending: PendingOperation<Input>[];
}

function splitHistory<State, Input, Output>(model: SequentialModel<State, Input, Output>, history: Iterable<Operation<Input, Output>>) {
  const parts = new Map<string | undefined, Part<Input, Output>>();
  for (const operation of history) {
    const { called, returned = called } = operation;
    if (!(returned >= called))
      throw new TypeError(`an operation of client ${JSON.stringify(operation.client)} returned at ${returned}, before its call at ${called}`);
    const partition = model.partitionOf?.(operation.input);
    const part = parts.get(partition) ?? { finished: [], pending: [] };
    parts.set(partition, part);
    if (operation.returned === undefined) part.pending.push(operation);
    else part.finished.push(operation);
  }
  for (const { finished, pending } of parts.values()) {
    finished.sort((a, b) => a.called - b.called);
    pending.sort((a, b) => a.called - b.called);
  }
  return parts;
}
