import { InvalidInputError, type JsonValue } from '@meshwork/core';
import type { VersionKind } from '../state/board-state.ts';

/** What a delta of somebody else may hold. The same as of the state that merges it. */
export interface DeltaLimits {
  /** Characters of a key. Default 1,024. */
  readonly maxKeyLength?: number;
  /** Characters of a value's JSON, about. Default 1,048,576. */
  readonly maxValueLength?: number;
}

export const kinds: readonly VersionKind[] = ['value', 'deleted', 'count', 'added', 'removed'];

/** What a state takes for granted of a count that it merges. */
export function checkTotal(total: JsonValue | undefined): number {
  if (!Number.isSafeInteger(total)) throw new InvalidInputError('a delta has a count that is no whole number of up to 53 bits; ask for it again');
  return total as number;
}
