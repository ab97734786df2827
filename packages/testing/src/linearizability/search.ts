import type { SequentialModel } from './model.ts';
import type { FinishedOperation, PendingOperation } from './operation.ts';

/** How much a search may cost. */
export interface SearchBound {
  /** Operations tried. */
  readonly maxSteps: number;
  isLate(): boolean;
}

export interface SearchPart<Input, Output> {
  /** In the order of their calls. */
  readonly finished: readonly FinishedOperation<Input, Output>[];
  readonly pending: readonly PendingOperation<Input>[];
}

export interface SearchResult {
  readonly verdict: 'linearizable' | 'violated' | 'unknown';
  readonly steps: number;
  /** The longest order that was found, as indexes: first of `finished`, then of `pending`. */
  readonly order: readonly number[];
}

/** Where a search came from when it put an operation next. */
interface Frame<State> {
  readonly operation: number;
  readonly state: State;
  readonly first: number;
  readonly candidates: readonly number[];
  readonly at: number;
}

const STEPS_BETWEEN_LOOKS = 1_024;

/**
 * Wing and Gong 1993, "Testing and verifying concurrent objects": put next any operation that nothing finished came before, go back when the model
 * disagrees. With the memory of Lowe 2017, "Testing for linearizability": the same operations done and the same state are searched once. Of operations
 * without an outcome a smaller set does all that a larger one can, so a search that used more of them to come to the same place is given up too.
 */
export function searchOrder<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  { finished, pending }: SearchPart<Input, Output>,
  { maxSteps, isLate }: SearchBound,
): SearchResult {
  const used = new Uint8Array(finished.length);
  const seen = new Map<string, bigint[]>();
  const frames: Frame<State>[] = [];
  const agrees = model.agrees?.bind(model) ?? Object.is;
  let state = model.initial;
  /** The first finished operation that has no place yet. */
  let first = 0;
  let placed = 0;
  let pendingUsed = 0n;
  let steps = 0;
  let longest: readonly number[] = [];
  let longestPlaced = -1;

  const findCandidates = (): number[] => {
    const found: number[] = [];
    let bound = Number.POSITIVE_INFINITY;
    for (let index = first; index < finished.length; index++) {
      const operation = finished[index];
      if (operation === undefined || operation.called > bound) break;
      if (used[index] === 1) continue;
      found.push(index);
      bound = Math.min(bound, operation.returned);
    }
    for (const [index, { called }] of pending.entries()) {
      if (called > bound) break;
      if ((pendingUsed & (1n << BigInt(index))) === 0n) found.push(finished.length + index);
    }
    return found;
  };
  /** Whether some search has been here with no more pending operations used; if not, this one is noted. */
  const wasHere = (stateKey: string): boolean => {
    const place = `${first}/${describeUsed(finished, used, first)}/${stateKey}`;
    const before = seen.get(place);
    if (before?.some((set) => (set & pendingUsed) === set)) return true;
    if (before === undefined) seen.set(place, [pendingUsed]);
    else before.push(pendingUsed);
    return false;
  };
  /** Puts the operation next, if the model lets it and it leads somewhere new. */
  const tryNext = (operation: number): { readonly state: State; readonly first: number } | undefined => {
    const done = finished[operation];
    if (done !== undefined) {
      const next = model.apply(state, done.input);
      if (!agrees(done.output, next.output)) return undefined;
      const before = first;
      used[operation] = 1;
      while (used[first] === 1) first += 1;
      if (!wasHere(model.stateKey(next.state))) return { state: next.state, first: before };
      used[operation] = 0;
      first = before;
      return undefined;
    }
    const maybe = pending[operation - finished.length];
    if (maybe === undefined) return undefined;
    const next = model.apply(state, maybe.input);
    const key = model.stateKey(next.state);
    // One that changes nothing may as well never have happened.
    if (key === model.stateKey(state)) return undefined;
    // Nor is the one just before it any use when this one leads to the same state without it.
    const before = frames.at(-1);
    if (before !== undefined && before.operation >= finished.length && model.stateKey(model.apply(before.state, maybe.input).state) === key) return undefined;
    const bit = 1n << BigInt(operation - finished.length);
    pendingUsed |= bit;
    if (!wasHere(key)) return { state: next.state, first };
    pendingUsed ^= bit;
    return undefined;
  };
  const noteLongest = () => {
    if (placed < longestPlaced || (placed === longestPlaced && frames.length >= longest.length)) return;
    longest = frames.map(({ operation }) => operation);
    longestPlaced = placed;
  };

  let candidates: readonly number[] = findCandidates();
  let at = 0;
  while (placed < finished.length) {
    const operation = candidates[at];
    if (operation === undefined) {
      noteLongest();
      const frame = frames.pop();
      if (frame === undefined) return { verdict: 'violated', steps, order: longest };
      if (frame.operation < finished.length) {
        used[frame.operation] = 0;
        placed -= 1;
      } else pendingUsed ^= 1n << BigInt(frame.operation - finished.length);
      ({ state, first, candidates, at } = frame);
      continue;
    }
    at += 1;
    steps += 1;
    if (steps > maxSteps || (steps % STEPS_BETWEEN_LOOKS === 0 && isLate())) return { verdict: 'unknown', steps, order: longest };
    const next = tryNext(operation);
    if (next === undefined) continue;
    frames.push({ operation, state, first: next.first, candidates, at });
    state = next.state;
    if (operation < finished.length) placed += 1;
    candidates = findCandidates();
    at = 0;
  }
  return { verdict: 'linearizable', steps, order: frames.map(({ operation }) => operation) };
}

/** Which operations after the first without a place have one: they were called before that one returned, so there are few. */
function describeUsed(finished: SearchPart<unknown, unknown>['finished'], used: Uint8Array, first: number): string {
  const bound = finished[first]?.returned ?? Number.NEGATIVE_INFINITY;
  let text = '';
  for (let index = first + 1; index < finished.length; index++) {
    const operation = finished[index];
    if (operation === undefined || operation.called > bound) break;
    if (used[index] === 1) text += `${index - first},`;
  }
  return text;
}
