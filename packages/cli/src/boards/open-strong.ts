import {
  type BoardSettings,
  createKeyValueStrongStore,
  createQuorumStore,
  createStrongPeer,
  type LevelSetting,
  type PeerHandler,
  type PeerLink,
  type QuorumStore,
  type StrongStore,
} from '@meshwork/blackboard';
import { InvalidInputError, type Store } from '@meshwork/core';

export interface OpenStrongOptions {
  readonly name: string;
  readonly place: string;
  readonly store: Store;
  /** Hubs in other processes may have the store open too. */
  readonly isShared: boolean;
  /** Reads of the store's engine may be stale for a while. */
  readonly confirmReads: boolean;
  readonly boards: Readonly<Record<string, BoardSettings>>;
  /** Of each board, the hubs that keep its strong keys between them. */
  readonly members: Readonly<Record<string, readonly string[]>>;
  /** Names of the peers. */
  readonly peers: readonly string[];
  readonly links: readonly PeerLink[];
}

/** Where the strong keys of each board are kept, for those that have any. */
export interface OpenStrong {
  readonly stores: ReadonlyMap<string, StrongStore>;
  /** Answers the other members. */
  readonly peer: PeerHandler;
}

/**
 * Opens what keys of level strong are kept in: between the members that the board names, or in the store.
 *
 * @throws {InvalidInputError} when there is neither, or a member cannot be reached from here.
 */
export async function openStrong({ name, place, store, isShared, confirmReads, boards, members, peers, links }: OpenStrongOptions): Promise<OpenStrong> {
  const stores = new Map<string, StrongStore>();
  const quorums = new Map<string, QuorumStore>();
  for (const [board, settings] of Object.entries(boards)) {
    if (!uses(settings, 'strong') && !uses(settings, 'chosen')) continue;
    const limits = {
      ...(settings.maxKeyLength !== undefined && { maxKeyLength: settings.maxKeyLength }),
      ...(settings.maxValueLength !== undefined && { maxValueLength: settings.maxValueLength }),
    };
    // A board may be called as what every object has, such as `constructor`.
    const named = Object.hasOwn(members, board) ? members[board] : undefined;
    if (named !== undefined && uses(settings, 'chosen'))
      throw new InvalidInputError(
        `writers choose levels on the board ${board}, which takes a store that hubs share; leave its members out, or give its rules a level each`,
      );
    if (named !== undefined) {
      const unknown = named.filter((member) => member !== name && !links.some(({ peer }) => peer === member));
      if (unknown.length > 0)
        throw new InvalidInputError(`the board ${board} has members that are no peers of ${name} with a url: ${unknown.join(', ')}; name them in peers`);
      const quorum = await createQuorumStore({
        name,
        board,
        members: named,
        store,
        place,
        links: (peer) => links.find((link) => link.peer === peer),
        ...limits,
      });
      quorums.set(board, quorum);
      stores.set(board, quorum);
    } else if (isShared || peers.length === 0) {
      stores.set(board, createKeyValueStrongStore({ name, board, store, confirmReads, ...limits }));
    } else {
      const way = uses(settings, 'chosen') ? 'let the hubs share a store' : 'say in its members which hubs keep them, or let the hubs share a store';
      throw new InvalidInputError(`the board ${board} has keys of level strong, and this hub has peers but a store for itself; ${way}`);
    }
  }
  return {
    stores,
    peer: createStrongPeer(Object.fromEntries(quorums)),
  };
}

function uses({ level, rules = [] }: BoardSettings, wanted: LevelSetting): boolean {
  return level === wanted || rules.some((rule) => rule.level === wanted);
}
