import { type CallContext, DeniedError, InvalidInputError, type Principal } from '@meshwork/core';
import type { Blackboard } from './blackboard.ts';
import type { Board } from './board.ts';
import type { BoardAccess, BoardAction } from './board-access.ts';

/** Where tools and resources come to boards. */
export interface BoardDoor {
  /**
   * A board, for what the caller wants with one of its keys. Whether there is such a board or key is told only to those who may.
   *
   * @throws {DeniedError} and {@link NotFoundError}; {@link InvalidInputError} when no board is named and there are several.
   */
  open(context: CallContext, wanted: Wanted): Board;
  mayRead(principal: Principal, board: string, key: string): boolean;
  /** The name of the board that is meant. */
  nameOf(board: string | undefined): string;
}

export interface Wanted {
  readonly board: string | undefined;
  readonly key: string;
  readonly actions: readonly BoardAction[];
}

const MAIN = 'main';

export function createBoardDoor({ blackboard, access }: { readonly blackboard: Blackboard; readonly access: BoardAccess }): BoardDoor {
  const nameOf: BoardDoor['nameOf'] = (board) => {
    if (board !== undefined) return board;
    const [first, ...others] = blackboard.boards;
    if (blackboard.boards.includes(MAIN)) return MAIN;
    if (first !== undefined && others.length === 0) return first;
    throw new InvalidInputError('there is no board main here; say in `board` which one you mean');
  };
  return {
    nameOf,
    open({ call, principal }, { board, key, actions }) {
      const name = nameOf(board);
      for (const action of actions) {
        const { effect, policies, reason } = access.check({ principal, board: name, key, action });
        call.decisions.push({ by: 'board-access', effect, policies, reason });
        if (effect === 'deny') {
          const what = key === '' ? `the board ${JSON.stringify(name)}` : `the key ${JSON.stringify(key)} of the board ${JSON.stringify(name)}`;
          throw new DeniedError(`${principal.id} may not ${action} ${what}: ${reason}; ask an admin of this hub`, { policies });
        }
      }
      return blackboard.board(name);
    },
    mayRead: (principal, board, key) => access.check({ principal, board, key, action: 'read' }).effect === 'allow',
  };
}
