export type { ChainProblem, ChainProblemKind } from './chain-walk.ts';
export type { Checkpoint, KeyRotation, SignedCheckpoint } from './checkpoint.ts';
export { openCheckpoint, parseCheckpoints } from './parse-checkpoints.ts';
export { openNote } from './signed-note.ts';
export type { Verification } from './verify-chain.ts';
export { type VerifyExportOptions, verifyExport } from './verify-export.ts';
