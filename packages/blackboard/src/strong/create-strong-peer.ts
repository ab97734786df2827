import { InvalidInputError } from '@meshwork/core';
import type { PeerHandler } from '../peer-link.ts';
import type { QuorumStore } from './create-quorum-store.ts';
import { boardOfStrongRequest } from './strong-message.ts';

/** A hub's part in the registers of several boards, by their names, for those who receive the messages of its peers. */
export function createStrongPeer(stores: Readonly<Record<string, QuorumStore>>): PeerHandler {
  const byBoard = new Map(Object.entries(stores));
  return {
    async answer(from, message) {
      const board = boardOfStrongRequest(message);
      const store = byBoard.get(board);
      if (store === undefined) throw new InvalidInputError(`this hub keeps no registers of the board ${JSON.stringify(board)}; set up all hubs the same way`);
      return store.answer(from, message);
    },
    // Registers are asked for, and never told of.
    hear() {},
  };
}
