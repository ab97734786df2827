import { UnavailableError } from '@meshwork/core';
import type { Link } from './link.ts';

const SHORTEST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

/** Page after page until the signal aborts or the store closes. Once it has begun it waits for a server that is away instead of failing. */
export async function* patiently<T>(next: () => Promise<readonly T[]>, link: Link, signal: AbortSignal | undefined): AsyncGenerator<T, void, undefined> {
  const isOver = () => link.closing.aborted || signal?.aborted === true;
  let begun = false;
  let waitMs = SHORTEST_WAIT_MS;
  while (!isOver()) {
    let page: readonly T[];
    try {
      page = await next();
      begun = true;
      waitMs = SHORTEST_WAIT_MS;
    } catch (error) {
      if (isOver()) return;
      if (!begun || !(error instanceof UnavailableError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
      continue;
    }
    for (const item of page) {
      if (isOver()) return;
      yield item;
    }
  }
}
