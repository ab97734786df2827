export { type AuditReports, type AuditReportsOptions, auditReports } from './audit-reports.ts';
export type { AuditReport, Breakdown, Evidence, RefusalLine, Row, Tally } from './make-report.ts';
export { type ReportFormat, reportText } from './report-text.ts';
