import type { ForgottenReplicas } from './board-state.ts';
import type { Seen } from './seen.ts';

/** What a state tells of those it has forgotten. */
export function createForgottenReplicas(seen: Seen): ForgottenReplicas {
  const { forgotten } = seen;
  return {
    get size() {
      return forgotten.size;
    },
    get records() {
      return forgotten.records;
    },
    keys: () => forgotten.keys(),
    upTo: (replica) => forgotten.upTo(replica),
    without: (vector) => seen.without(vector),
    isWithin: (vector, other) => forgotten.isWithin(vector, other),
  };
}
