import type { ThreatTest } from './threat-tests.ts';
import type { Threat } from './threats.ts';

/** The threats and their tests as a page for people. */
export function renderThreats(threats: readonly Threat[], tests: readonly ThreatTest[]): string {
  const rows = threats.map(({ id, attack, answer }) => [id, attack, answer]);
  const table = [['id', 'attack', 'what the hub does'], ...rows];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = table;
  return `# Threats and their tests

How a hub is attacked, and what it does about it. Each row has at least one test whose title begins with its id; they are listed below.

${line(head)}
${line(widths.map((width) => '-'.repeat(width)))}
${body.map(line).join('\n')}

## Tests

${threats.map(({ id }) => sectionOf(id, tests)).join('\n\n')}

This page is written by the tests, which hold it against the titles of all tests: \`vitest run --project @meshwork/doors-tests -u\`.
`;
}

function sectionOf(id: string, tests: readonly ThreatTest[]): string {
  const own = tests.filter(({ ids }) => ids.includes(id));
  if (own.length === 0) return `**${id}**\n\n- being built`;
  return `**${id}**\n\n${own.map(({ file, title }) => `- [${file}](../${file}): ${title.replaceAll(/([*_<>[\]`])/g, '\\$1')}`).join('\n')}`;
}
