export type { BoardState, Change, Delta, DeltaEntry, Reading, Stamp, Version, VersionKind } from './state/board-state.ts';
export type { Context, VersionVector } from './state/context.ts';
export { type BoardStateOptions, createBoardState } from './state/create-board-state.ts';
