// Everything CI checks besides the tests, each as one pass or fail: node scripts/verify.mjs [--report FILE]
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { build, install, root, toolEnv } from './setup.mjs';

const checks = [
  ['lint', 'biome', ['check', '--error-on-warnings', '.']],
  ['types', 'turbo', ['run', 'typecheck', '--output-logs=errors-only']],
  ['package boundaries', 'node', ['scripts/check-boundaries.ts']],
  ['dead code', 'knip', ['--no-progress']],
  ['packages', 'turbo', ['run', 'check:package', '--output-logs=errors-only']],
  ['sizes', 'node', ['scripts/check-sizes.ts']],
];

install();
build();
const failed = [];
for (const [name, command, args] of checks) {
  console.log(`\n== ${name}`);
  const { status } = spawnSync(command, args, { cwd: root, env: toolEnv, stdio: 'inherit' });
  if (status !== 0) failed.push(name);
}
const at = process.argv.indexOf('--report');
if (at !== -1) writeFileSync(process.argv[at + 1], JSON.stringify({ passed: checks.length - failed.length, failed }));
console.log(failed.length === 0 ? `\nAll ${checks.length} checks passed.` : `\nFailed: ${failed.join(', ')}.`);
process.exit(failed.length === 0 ? 0 : 1);
