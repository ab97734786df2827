export type { Outcome } from '@meshwork/core';
export { type AuditLog, type AuditOptions, audit } from './audit.ts';
export type { DoorBook } from './door-book.ts';
export type { DoorRecord, Refusal } from './door-record.ts';
export type { ExportFormat } from './export-lines.ts';
export type { AuditRecord, CallRecord } from './record.ts';
export type { AuditFilter, NumberedRecord } from './search.ts';
export type { ChainProblem, Checkpoint, Verification, VerifyOptions } from './verify-chain.ts';
