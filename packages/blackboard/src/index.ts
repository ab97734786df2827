export type { Blackboard, BlackboardEvents, BoardSettings, BoardStatus, KeyRule } from './blackboard.ts';
export type { Board, BoardSession, ReadOptions, WriteOptions } from './board.ts';
export type { Entry, EntryChange, Level } from './entry.ts';
export type { PeerHandler, PeerIdentity, PeerLink } from './peer-link.ts';
export type { BoardState, Change, Delta, DeltaEntry, Reading, Stamp, Version, VersionKind } from './state/board-state.ts';
export type { Context, VersionVector } from './state/context.ts';
export { type BoardStateOptions, createBoardState } from './state/create-board-state.ts';
export type { StrongReading, StrongStore, StrongWrite } from './strong/strong-store.ts';
