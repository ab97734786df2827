import { type Clock, defineTool, type Module, systemClock } from '@meshwork/core';
import { z } from 'zod';
import type { AuditLog } from './audit.ts';
import { type AuditReport, makeReport } from './make-report.ts';
import { reportText } from './report-text.ts';
import type { AuditFilter } from './search.ts';

export interface AuditReportsOptions {
  /** What is reported on. */
  readonly log: Pick<AuditLog, 'stream' | 'verify' | 'records'>;
  readonly clock?: Clock;
}

/** The module, and what an application uses of it directly. */
export interface AuditReports extends Module {
  /** Who did what. Times as in a filter. @throws {InvalidInputError} when one is no time. */
  report(options?: Pick<AuditFilter, 'since' | 'until'>): Promise<AuditReport>;
}

/** Reports on an audit log, and the tool `audit_report` for admins. */
export function auditReports({ log, clock = systemClock }: AuditReportsOptions): AuditReports {
  const report: AuditReports['report'] = async ({ since, until } = {}) => {
    const { ok, records, head, problem } = await log.verify();
    const filter = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) };
    const chain = { ok, records, head, ...(problem && { problem: problem.message }) };
    return makeReport(log.records(filter), { stream: log.stream, from: since, to: until, made: new Date(clock.now()).toISOString(), chain });
  };
  const tool = defineTool({
    category: 'audit',
    effect: 'admin',
    annotations: { readOnlyHint: true, destructiveHint: false },
    name: 'audit_report',
    title: 'Report on the audit log',
    description:
      'Says who did what: refusals, break-downs by tool, principal, zone and hour, evidence under headings of OWASP and SOC 2, and whether the chain holds.',
    input: z.strictObject({
      since: z.iso.datetime().optional().describe('From this time on (ISO 8601, UTC).'),
      until: z.iso.datetime().optional().describe('Before this time (ISO 8601, UTC).'),
      format: z.enum(['html', 'ndjson', 'json']).optional().describe('A page, one finding a line, or one document. Default json.'),
    }),
    output: z.object({ text: z.string(), records: z.number() }),
    run: async ({ since, until, format = 'json' }) => {
      const made = await report({ ...(since !== undefined && { since }), ...(until !== undefined && { until }) });
      return { text: reportText(made, format), records: made.records };
    },
  });
  return { name: 'audit-report', tools: [tool], report };
}
