import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { skippedSuites } from '../../../scripts/skipped-suites.mjs';

const script = fileURLToPath(new URL('../../../scripts/engines.mjs', import.meta.url));

describe('the servers the tests need', () => {
  it('are named where they are missing and cannot be installed', () => {
    const { status, stderr } = spawnSync(process.execPath, [script], { env: { PATH: '' }, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/Install them: apt-get install .*redis-server/);
  });

  it('are named at the end of a run that went without them, and by nothing else', () => {
    const suites = ['with redis (skipped: no server)', 'the URL of a store'].map((name) => ({ name }));
    let words = '';
    const reporter = skippedSuites((text: string) => {
      words += text;
    });
    reporter.onTestRunEnd([{ relativeModuleId: 'test/contract.test.ts', children: { allSuites: () => suites } }]);
    expect(words).toBe('\nNot run, for want of a server (CI runs them):\n  test/contract.test.ts  with redis (skipped: no server)\n');
    words = '';
    reporter.onTestRunEnd([]);
    expect(words).toBe('');
  });
});
