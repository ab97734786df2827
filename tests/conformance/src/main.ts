// pnpm conformance [--side server|client] [--requirements REVISION] [--verbose]: the official suite, as a table.
import { parseArgs } from 'node:util';
import { runSuite, suiteRuns } from './run-suite.ts';

const { values } = parseArgs({ options: { side: { type: 'string' }, requirements: { type: 'string' }, verbose: { type: 'boolean', default: false } } });
const wanted = suiteRuns.filter(({ side, requirements }) => (values.side ?? side) === side && (values.requirements ?? requirements) === requirements);
if (wanted.length === 0) {
  console.error('no run has this side and revision: the sides are server and client, the revisions 2025-11-25 and 2026-07-28');
  process.exit(2);
}
const rows: Record<string, object> = {};
for (const each of wanted) {
  const { ok, surprises, required, checks, seconds, output } = await runSuite(each);
  rows[each.name] = {
    ok,
    'required scenarios': `${required.passed}/${required.passed + required.failed}`,
    checks: `${checks.passed}/${checks.passed + checks.failed}`,
    seconds,
  };
  if (values.verbose || !ok) console.log(output);
  for (const surprise of surprises) console.log(`${each.name}: ${surprise}`);
  if (!ok) process.exitCode = 1;
}
console.table(rows);
