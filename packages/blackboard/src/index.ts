export type { Blackboard, BlackboardEvents, BoardSettings, BoardStatus, KeyRule, LevelSetting } from './blackboard.ts';
export { type BlackboardModuleOptions, blackboardModule } from './blackboard-module.ts';
export type { Board, BoardSession, CreateOptions, ReadOptions, WriteOptions } from './board.ts';
export { type BoardAccess, type BoardAction, type BoardDecision, type BoardQuestion, signedInAccess } from './board-access.ts';
export { decodeDelta } from './codec/decode-delta.ts';
export { deltaFromJson, deltaToJson } from './codec/delta-json.ts';
export type { DeltaLimits } from './codec/delta-limits.ts';
export { encodeDelta } from './codec/encode-delta.ts';
export { type BlackboardOptions, createBlackboard } from './create-blackboard.ts';
export type { ChosenLevel, Entry, EntryChange, Level } from './entry.ts';
export { EXCHANGE_TOOL, type PeerExchangeOptions, peerExchange } from './peer-exchange.ts';
export type { PeerHandler, PeerIdentity, PeerLink } from './peer-link.ts';
export type {
  BoardState,
  Change,
  Delta,
  DeltaEntry,
  DeltaPart,
  ForgottenReplicas,
  MergeOptions,
  Reading,
  Stamp,
  Version,
  VersionKind,
} from './state/board-state.ts';
export type { Context, VersionVector } from './state/context.ts';
export { type BoardStateOptions, createBoardState } from './state/create-board-state.ts';
export type { ForgottenRecord } from './state/forgotten-record.ts';
export { createKeyValueStrongStore, type KeyValueStrongStoreOptions } from './strong/create-key-value-strong-store.ts';
export { createQuorumStore, type QuorumStore, type QuorumStoreOptions } from './strong/create-quorum-store.ts';
export { createStrongPeer } from './strong/create-strong-peer.ts';
export type { Epoch, Member } from './strong/epoch.ts';
export type { StrongReading, StrongStore, StrongWrite } from './strong/strong-store.ts';
