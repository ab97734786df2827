import { type Row, tools } from './access-table.ts';

/** The table as a page for people. */
export function renderTable(rows: readonly Row[], faces: Readonly<Record<'network' | 'process', readonly string[]>>): string {
  const names = Object.keys(tools) as (keyof typeof tools)[];
  const heads = names.map((name) => tools[name].join(' '));
  const cells = ({ answers }: Row) =>
    names.map((name) => {
      if (answers === 401) return '401';
      const answer = answers[name];
      return answer === 'ok' ? 'yes' : answer.map((policy) => `\`${policy}\``).join(' ');
    });
  const table = [['credential', 'zone', ...heads], ...rows.map((row) => [row.credential, row.zones.join(', '), ...cells(row)])];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = table;
  return `# Who may do what

What a hub with the standard policies answers, by credential, zone, and the category and effect of a tool. \`other\` is any category without rules of
its own. \`yes\`: the call runs. Policies: the call is refused (HTTP 403 over REST, an answer with \`isError\` over MCP), and these policies said so.
401: nobody gets in, and no list is shown. Access tokens are JWTs of an OAuth issuer with all scopes (RFC 9068); those with a key are
bound to it by DPoP (RFC 9449). Lists show the tools with a \`yes\` and no others. Every call leaves one audit record.

${line(head)}
${line(widths.map((width) => '-'.repeat(width)))}
${body.map(line).join('\n')}

Tools of \`replication\` refuse by themselves whoever is no peer that the operator named. Keys of boards are policies' own questions: with the standard
ones callers with a credential read and write them, callers from outside read (\`external-boards-read-only\`), and nobody else does either.

Every face answers the same. Over the network: ${faces.network.join('; ')}. In the process: ${faces.process.join('; ')}.

This page is written by the tests, which hold it against the hub: \`vitest run --project @meshwork/doors-tests -u\`.
`;
}
