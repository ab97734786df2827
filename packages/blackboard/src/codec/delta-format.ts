import type { VersionKind } from '../state/board-state.ts';

/** First byte of a delta. Older ones stay readable; a change of the form is a new number. */
export const deltaVersion = 1;

/** Of a version, beside the number of its source. */
export const flags = {
  /** Its counter is the next one of its replica. */
  next: 1,
  /** More versions of the key follow, or what was seen of it. */
  more: 2,
  expires: 4,
} as const;

/** By number. */
export const kinds: readonly VersionKind[] = ['value', 'deleted', 'count', 'added', 'removed'];
