import type { Decision, Principal } from '@meshwork/core';

/** What somebody wants with a key. */
export type BoardAction = 'read' | 'write';

export interface BoardQuestion {
  readonly principal: Principal;
  readonly board: string;
  /** Empty: the board as a whole, with its size, its members and its peers. */
  readonly key: string;
  readonly action: BoardAction;
}

/** What was decided, by which policies, and why in words. */
export interface BoardDecision extends Pick<Decision, 'effect' | 'policies'> {
  readonly reason: string;
}

/**
 * Port: who may read and write which keys. The guardian is one. It is asked for every key of a list, so it answers at once; and of a principal it rests on
 * `kind`, `id`, `roles`, `zone` and `trust` alone, by which answers are remembered.
 */
export interface BoardAccess {
  check(question: BoardQuestion): BoardDecision;
}

/** The rule of a hub that names none: whoever has shown a credential reads and writes everything. */
export const signedInAccess: BoardAccess = {
  check: ({ principal }) =>
    principal.kind === 'anonymous'
      ? { effect: 'deny', policies: ['signed-in'], reason: 'boards are for callers with a credential' }
      : { effect: 'allow', policies: ['signed-in'], reason: 'the caller has a credential' },
};
