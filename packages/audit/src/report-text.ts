import { escapeSteering } from './export-lines.ts';
import type { AuditReport, Breakdown, Row } from './make-report.ts';

export type ReportFormat = 'html' | 'ndjson' | 'json';

const disclaimer = 'Supports evidence for the headings below. It is no statement of compliance with any of them.';
const titles: Readonly<Record<Breakdown, string>> = {
  tool: 'By tool',
  principal: 'By principal',
  zone: 'By zone',
  hour: 'By hour',
  outcome: 'By outcome',
  code: 'By code',
};

/** A report as text: a page, one line for each finding, or one document. */
export function reportText(report: AuditReport, format: ReportFormat): string {
  if (format === 'json') return `${escapeSteering(JSON.stringify(report))}\n`;
  return format === 'ndjson' ? reportLines(report) : reportPage(report);
}

function reportLines({ by, refusals, evidence, chain, ...summary }: AuditReport): string {
  const rows = [
    { type: 'summary', ...summary, note: disclaimer },
    { type: 'chain', ...chain },
    ...evidence.map((each) => ({ type: 'evidence', ...each })),
    ...Object.entries(by).flatMap(([breakdown, all]) => all.map((row) => ({ type: 'row', breakdown, ...row }))),
    ...refusals.map((each) => ({ type: 'refusal', ...each })),
  ];
  return rows.map((row) => `${escapeSteering(JSON.stringify(row))}\n`).join('');
}

/** One page without a script or anything from elsewhere. Whatever callers chose is escaped. */
function reportPage(report: AuditReport): string {
  const { stream, from, to, made, records, total, by, refusals, evidence, chain } = report;
  const frameworks = [...new Set(evidence.map(({ framework }) => framework))];
  const parts = [
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>Audit report: ${escapeHtml(stream)}</title><style>${styles}</style></head><body><main>`,
    `<h1>Audit report</h1><p>Log ${escapeHtml(stream)}, from ${escapeHtml(from ?? report.first ?? 'its start')} to ${escapeHtml(to ?? report.last ?? 'its end')}. Made ${escapeHtml(made)}.</p>`,
    `<p class="${chain.ok ? 'good' : 'bad'}">${
      chain.ok ? `The chain of ${chain.records} records holds.` : `The log was tampered with: ${escapeHtml(chain.problem ?? '')}`
    } Head ${chain.head.size}, <code>${escapeHtml(chain.head.hash)}</code>.</p>`,
    table('Summary', ['Records', 'Calls and requests', 'Refused', 'Failed'], [[records, total.calls, total.refused, total.failed]]),
    `<p>${disclaimer}</p>`,
    ...frameworks.map((framework) =>
      table(
        framework,
        ['Heading', 'Title', 'Evidence', 'Count', 'Records such as'],
        evidence.filter((each) => each.framework === framework).map(({ id, title, what, count, samples }) => [id, title, what, count, samples.join(', ')]),
      ),
    ),
    ...(Object.entries(titles) as [Breakdown, string][]).map(([name, title]) =>
      table(
        title,
        [title.slice(3), 'Calls', 'Refused', 'Failed'],
        by[name].map(({ key, calls, refused, failed }: Row) => [key, calls, refused, failed]),
      ),
    ),
    table(
      'Newest refusals',
      ['Record', 'Time', 'Who', 'Zone', 'What', 'Code', 'Policies'],
      refusals.map(({ seq, time, principal, zone, name, code, policies }) => [seq, time, principal, zone, name, code, policies.join(' ')]),
    ),
    '</main></body></html>\n',
  ];
  return parts.join('\n');
}

function table(title: string, heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const body = rows.map(
    (row) => `<tr>${row.map((cell) => `<td${typeof cell === 'number' ? ' class="n"' : ''}>${escapeHtml(String(cell))}</td>`).join('')}</tr>`,
  );
  const head = heads.map((each) => `<th scope="col">${escapeHtml(each)}</th>`).join('');
  if (rows.length === 0) return `<section><h2>${escapeHtml(title)}</h2><p>None.</p></section>`;
  return `<section><h2>${escapeHtml(title)}</h2><table><thead><tr>${head}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table></section>`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeHtml(text: string): string {
  return escapeSteering(text.toWellFormed()).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

const styles = `:root{color-scheme:light dark;--line:#8886;--good:#1a7f37;--bad:#cf222e}
@media (prefers-color-scheme:dark){:root{--good:#4ac26b;--bad:#ff7b72}}
body{font:15px/1.5 system-ui,sans-serif;margin:0}main{max-width:70rem;margin:auto;padding:1.5rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere;vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums}code{overflow-wrap:anywhere}.good{color:var(--good)}.bad{color:var(--bad);font-weight:600}
@media print{main{max-width:none;padding:0}thead{display:table-header-group}tr{break-inside:avoid}h2{break-after:avoid}}`;
