import { UnavailableError, UnknownOutcomeError } from '../errors.ts';

const SHORTEST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

/**
 * For drivers, what `watch` and `follow` read with: once `next` has given something, a server that is away is waited for, with pauses that
 * double up to a second, instead of failing. Gives nothing more when it is over.
 */
export function patiently<T>(next: () => Promise<readonly T[]>, isOver: () => boolean): () => Promise<readonly T[]> {
  let begun = false;
  return async () => {
    for (let waitMs = SHORTEST_WAIT_MS; !isOver(); waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      try {
        const items = await next();
        begun = true;
        return items;
      } catch (error) {
        if (isOver()) return [];
        if (!begun || !isAway(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
    return [];
  };
}

function isAway(error: unknown): boolean {
  return error instanceof UnavailableError || error instanceof UnknownOutcomeError;
}
