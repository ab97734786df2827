// A network between boards in one process, whose cables can be cut.
import type { Blackboard, PeerLink } from '@meshwork/blackboard';
import { UnavailableError } from '@meshwork/core';

export interface Network {
  /** Nobody hears this hub any more, and it hears nobody. */
  cut(name: string): void;
  heal(name: string): void;
}

/** Links each of the boards with each. */
export function connectAll(boards: readonly Blackboard[]): Network {
  const cut = new Set<string>();
  for (const from of boards) for (const to of boards) if (from !== to) from.connect(linkBetween(from, to, () => !cut.has(from.name) && !cut.has(to.name)));
  return { cut: (name) => void cut.add(name), heal: (name) => void cut.delete(name) };
}

/** All that replication needs of a transport: bytes go there, and bytes come back or do not. */
function linkBetween(from: Blackboard, to: Blackboard, isWhole: () => boolean): PeerLink {
  return {
    peer: to.name,
    async request(message) {
      const answer = isWhole() ? await to.peer.answer({ name: from.name }, message) : undefined;
      if (answer === undefined || !isWhole()) throw new UnavailableError(`the cable from ${from.name} to ${to.name} is cut`);
      return answer;
    },
    send(message) {
      if (isWhole()) to.peer.hear({ name: from.name }, message);
    },
  };
}
