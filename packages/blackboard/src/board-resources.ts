import { defineResource, NotFoundError, type Resource } from '@meshwork/core';
import type { Blackboard, BoardStatus } from './blackboard.ts';
import type { BoardDoor } from './board-door.ts';
import { boardUri } from './board-uri.ts';
import { showEntry } from './tools/shapes.ts';
import { visiblePage } from './visible-page.ts';

/** The URI of every key. */
export const KEY_TEMPLATE = 'blackboard://{board}/{key}';
/** Suggestions at once. */
const SUGGESTED = 100;
const LONGEST_LOOK = 10_000_000;

/** Each board, and each key. Whoever listens to them is told when they change. */
export function createBoardResources({ blackboard, door }: { readonly blackboard: Blackboard; readonly door: BoardDoor }): Resource[] {
  const boards = blackboard.boards.map((board) =>
    defineResource({
      uri: boardUri(board),
      name: `Board ${board}`,
      description: 'How the board does at this hub: its size, its digest, its members and its peers.',
      mimeType: 'application/json',
      async read(_request, context) {
        door.open(context, { board, key: '', actions: ['read'] });
        return { json: showStatus(await blackboard.status(board)) };
      },
    }),
  );
  const key = defineResource({
    uri: KEY_TEMPLATE,
    name: 'Key of a board',
    description: 'What agents share under a key, percent-encoded in the URI: its value, who wrote it and when.',
    mimeType: 'application/json',
    opaque: ['key'],
    complete: {
      board: (typed) => blackboard.boards.filter((board) => board.startsWith(typed)),
      async key(typed, { principal, arguments: { board } }) {
        const name = door.nameOf(board);
        if (!blackboard.boards.includes(name)) return [];
        const page = await visiblePage(blackboard.board(name), typed, {
          after: undefined,
          limit: SUGGESTED,
          maxLength: LONGEST_LOOK,
          maySee: (key) => door.mayRead(principal, name, key),
        });
        return page.entries.map((entry) => entry.key);
      },
    },
    async read({ uri, variables: { board = '', key = '' } }, context) {
      const entry = await door.open(context, { board, key, actions: ['read'] }).get(key, { signal: context.signal });
      if (entry === undefined) throw new NotFoundError(`there is nothing under ${uri}; blackboard_list shows what there is`);
      return { json: showEntry(entry) };
    },
  });
  return [...boards, key];
}

function showStatus({ members, peers, ...status }: BoardStatus) {
  return {
    ...status,
    members: members.map(({ lastHeardMs, ...member }) => ({ ...member, last_heard_ms: lastHeardMs })),
    peers: peers.map(({ isReached, lastExchangeMs, ...peer }) => ({ ...peer, is_reached: isReached, last_exchange_ms: lastExchangeMs })),
  };
}
