export { type AuditLog, type AuditOptions, audit } from './audit.ts';
export type { ExportFormat } from './export-lines.ts';
export type { AuditRecord, Outcome } from './record.ts';
export type { AuditFilter, NumberedRecord } from './search.ts';
export type { ChainProblem, Checkpoint, Verification, VerifyOptions } from './verify-chain.ts';
