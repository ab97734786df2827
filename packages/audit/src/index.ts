export { type AuditLog, type AuditOptions, audit } from './audit.ts';
export type { ExportFormat } from './export-lines.ts';
export type { AuditRecord, Outcome } from './record.ts';
export type { AuditFilter, NumberedRecord } from './search.ts';
export type { ChainProblem, Checkpoint, Verification } from './verify-chain.ts';
