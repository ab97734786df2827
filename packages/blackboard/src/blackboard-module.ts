import { type IdSource, type Module, randomIds, type Visibility } from '@meshwork/core';
import { createAnnouncer } from './announcer.ts';
import type { Blackboard } from './blackboard.ts';
import { type BoardAccess, signedInAccess } from './board-access.ts';
import { createBoardDoor } from './board-door.ts';
import { type BoardNews, createBoardNews } from './board-news.ts';
import { createBoardResources, KEY_TEMPLATE } from './board-resources.ts';
import { boardUri, keyUri, readBoardUri } from './board-uri.ts';
import { createBlackboardConflicts } from './tools/blackboard-conflicts.ts';
import { createBlackboardDelete } from './tools/blackboard-delete.ts';
import { createBlackboardHistory } from './tools/blackboard-history.ts';
import { createBlackboardList } from './tools/blackboard-list.ts';
import { createBlackboardRead } from './tools/blackboard-read.ts';
import { createBlackboardResolve } from './tools/blackboard-resolve.ts';
import { createBlackboardWatch } from './tools/blackboard-watch.ts';
import { createBlackboardWrite } from './tools/blackboard-write.ts';

export interface BlackboardModuleOptions {
  /** The boards. Closing them is for whoever made them, after the hub. */
  readonly blackboard: Blackboard;
  /** Who may read and write which keys. Default {@link signedInAccess}; the guardian's `boardAccess` asks its policies. */
  readonly access?: BoardAccess;
  readonly ids?: IdSource;
  /** Changes of each board kept in memory, for `blackboard_watch`. Default 10,000. */
  readonly newsLength?: number;
  /** Called with what went wrong in the background, for the operator's log. */
  readonly onError?: (error: unknown) => void;
}

/** Shows boards to the callers of a hub: eight tools, each board and each key as a resource, and updates of these. */
export function blackboardModule({ blackboard, access = signedInAccess, ids = randomIds, newsLength, onError = () => {} }: BlackboardModuleOptions): Module {
  const door = createBoardDoor({ blackboard, access });
  let tell: (uri: string) => void = () => {};
  const announcer = createAnnouncer((uri) => tell(uri));
  let heard: BoardNews | undefined;
  const news = () => {
    heard ??= createBoardNews({ blackboard, ids, onError, onChange: announce, ...(newsLength !== undefined && { kept: newsLength }) });
    return heard;
  };
  const announce = (board: string, key: string) => {
    announcer.changed(boardUri(board));
    const uri = keyUri(board, key);
    if (uri !== undefined) announcer.changed(uri);
  };
  const visibility: Visibility = {
    keyOf: ({ kind, id, roles, zone, trust }) => JSON.stringify([kind, id, roles, zone, trust]),
    isVisible(principal, target) {
      // Asked about the family, by its template, everybody may know of it.
      if (target.kind !== 'resource' || target.resource.uri === KEY_TEMPLATE || !target.resource.uri.startsWith('blackboard://')) return true;
      const place = readBoardUri(target.resource.uri);
      return place !== undefined && door.mayRead(principal, place.board, place.key);
    },
  };
  return {
    name: 'blackboard',
    tools: [
      createBlackboardRead({ door }),
      createBlackboardWrite({ door }),
      createBlackboardDelete({ door }),
      createBlackboardList({ door, news }),
      createBlackboardWatch({ door, news }),
      createBlackboardHistory({ door }),
      createBlackboardConflicts({ door }),
      createBlackboardResolve({ door }),
    ],
    resources: createBoardResources({ blackboard, door }),
    visibility,
    attach(hub) {
      // The other hubs have the board themselves.
      tell = (uri) => hub.resourceUpdated(uri, { onlyHere: true });
      news();
    },
    close() {
      heard?.close();
      announcer.close();
    },
  };
}
