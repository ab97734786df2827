import { type Blackboard, type BoardSettings, createBlackboard, createKeyValueStrongStore, type PeerLink } from '@meshwork/blackboard';
import { createMemoryStore } from '@meshwork/core';
import { manualClock } from '@meshwork/testing';

/** Boards of a hub, in memory, with a clock that stands still; what is strong is in the same store. */
export async function createReplica(name: string, main: BoardSettings = {}) {
  const clock = manualClock();
  const store = createMemoryStore({ clock });
  const strong = (board: string) => createKeyValueStrongStore({ name, board, store, allowVolatile: true });
  const blackboard = await createBlackboard({ name, place: name, store, boards: { main }, strong, clock, allowVolatile: true, syncEveryMs: 20 });
  return { clock, store, blackboard };
}

/** Ties two of them together, both ways. */
export function linked(a: Blackboard, b: Blackboard): Disposable {
  const stops = [a.connect(linkTo(a, b)), b.connect(linkTo(b, a))];
  return {
    [Symbol.dispose]() {
      for (const stop of stops) stop();
    },
  };
}

function linkTo(from: Blackboard, to: Blackboard): PeerLink {
  return {
    peer: to.name,
    request: (message) => to.peer.answer({ name: from.name }, message),
    send: (message) => to.peer.hear({ name: from.name }, message),
  };
}
