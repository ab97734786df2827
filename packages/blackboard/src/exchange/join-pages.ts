import { InvalidInputError } from '@meshwork/core';
import type { Delta, DeltaEntry } from '../state/board-state.ts';
import { emptyCloud, isWithinVector, joinVectors } from '../state/context.ts';
import { slotOf } from '../state/slots.ts';

/**
 * The pages of one exchange as one delta, so that nobody sees a key between two of them. A key that changed while they were made is in a later page again, and as
 * that one has it.
 * @throws {InvalidInputError} when there is none, or one begins behind the end of those before.
 */
export function joinPages(pages: readonly Delta[]): Delta {
  const [first, ...rest] = pages;
  if (first === undefined) throw new InvalidInputError('there are no pages to join');
  if (rest.length === 0) return first;
  const entries = new Map<string, DeltaEntry>();
  let { context, covers } = first;
  for (const page of pages) {
    if (!isWithinVector(page.covers.from, covers.to)) throw new InvalidInputError('a page begins behind the end of the one before; ask for all of them again');
    for (const entry of page.entries) {
      const [version] = entry.versions;
      if (version !== undefined) entries.set(slotOf(version), entry);
    }
    context = { vector: joinVectors(context.vector, page.context.vector), cloud: emptyCloud };
    covers = { from: covers.from, to: joinVectors(covers.to, page.covers.to) };
  }
  return { entries: [...entries.values()], context, covers };
}
