import { hostname } from 'node:os';
import { type Blackboard, type BoardAccess, blackboardModule, createBlackboard, EXCHANGE_TOOL, peerExchange } from '@meshwork/blackboard';
import type { Module, Principal, StageStep, Store } from '@meshwork/core';
import type { BoardsSettings } from '../config/boards-field.ts';
import type { PeerSettings } from '../config/peers-field.ts';
import type { DataFolder } from '../data-folder.ts';
import { createMcpPeerLink } from './mcp-peer-link.ts';
import { placeOf } from './place-of.ts';

export interface OpenBoardsOptions {
  readonly store: Store;
  /** Hubs in other processes may have the store open too. */
  readonly isShared: boolean;
  readonly folder: DataFolder;
  readonly name: string | undefined;
  readonly settings: BoardsSettings;
  readonly peers: readonly PeerSettings[];
  readonly access: BoardAccess;
  readonly onError: (error: unknown) => void;
}

/** The boards of a hub, and what ties them to it and to its peers. */
export interface OpenBoards {
  readonly blackboard: Blackboard | undefined;
  readonly modules: readonly Module[];
  /** Whether a call is a peer's, by which boards are exchanged: hubs come as often as there is something to say. */
  isExchange(step: StageStep): boolean;
  /** Begins to exchange with the peers that can be reached from here. */
  connect(): void;
  disconnect(): Promise<void>;
  close(): Promise<void>;
}

const none: OpenBoards = {
  blackboard: undefined,
  modules: [],
  isExchange: () => false,
  connect() {},
  async disconnect() {},
  async close() {},
};

/** Opens the boards. Hubs that share a store each keep their own replica in it, by their name; without one there are no boards. */
export async function openBoards({ store, isShared, folder, name, settings, peers, access, onError }: OpenBoardsOptions): Promise<OpenBoards> {
  if ((isShared && name === undefined) || Object.keys(settings.boards).length === 0) return none;
  const blackboard = await createBlackboard({
    name: name ?? hostname(),
    // A machine may get another name, and the board in its folder is the same.
    ...(!isShared && { space: 'local' }),
    place: isShared ? `shared:${name}` : await placeOf(folder),
    store,
    boards: settings.boards,
    // In memory everything goes when the process does; that is said when the hub starts.
    allowVolatile: store.durability === 'process',
    onError,
  });
  const byAgent = new Map(peers.map((peer) => [peer.agent, peer.name]));
  const peerOf = ({ kind, id }: Principal) => (kind === 'agent' ? byAgent.get(id) : undefined);
  const links = peers.flatMap(({ name: peer, link }) => (link === undefined ? [] : [createMcpPeerLink({ ...link, peer })]));
  let stops: (() => void)[] = [];
  return {
    blackboard,
    modules: [blackboardModule({ blackboard, access, onError }), ...(peers.length === 0 ? [] : [peerExchange({ peer: blackboard.peer, peerOf })])],
    isExchange: ({ call, target }) => target?.kind === 'tool' && target.tool.name === EXCHANGE_TOOL && peerOf(call.principal) !== undefined,
    connect() {
      stops = links.map((link) => blackboard.connect(link));
    },
    async disconnect() {
      for (const stop of stops) stop();
      await Promise.all(links.map((link) => link[Symbol.asyncDispose]()));
    },
    close: () => blackboard.close(),
  };
}
