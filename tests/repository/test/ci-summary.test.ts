import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../../scripts/ci-summary.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'summary-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  /** What vitest reports, or nothing when it wrote no report. */
  readonly tests?: object;
  readonly testsStatus?: number;
  readonly checks?: object;
  readonly benchStatus?: number;
}

/** The closing line of a run and its exit code. */
function summaryOf({ tests, testsStatus = 0, checks = { passed: 2, failed: [] }, benchStatus = 0 }: Run): [string, number | null] {
  const files = [join(folder, 'tests.json'), join(folder, 'checks.json')] as const;
  for (const file of files) rmSync(file, { force: true });
  if (tests !== undefined) writeFileSync(files[0], JSON.stringify(tests));
  writeFileSync(files[1], JSON.stringify(checks));
  const { stdout, status } = spawnSync(process.execPath, [script, files[0], String(testsStatus), files[1], String(benchStatus)], { encoding: 'utf8' });
  return [stdout.trim(), status];
}

const suite = (status: string, ...tests: string[]) => ({ status, assertionResults: tests.map((each) => ({ status: each })) });
const passing = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 1, numTodoTests: 1, testResults: [suite('passed', 'passed')] };

describe('the closing line of CI', () => {
  it('adds up tests, checks and the benchmark', () => {
    expect(summaryOf({ tests: passing })).toEqual(['8 passed, 0 failed, 2 skipped', 0]);
  });

  it('counts a failed test, check and benchmark', () => {
    const tests = { ...passing, numFailedTests: 1, testResults: [suite('failed', 'failed', 'passed')] };
    expect(summaryOf({ tests, testsStatus: 1, checks: { passed: 1, failed: ['lint'] }, benchStatus: 1 })).toEqual(['6 passed, 3 failed, 2 skipped', 1]);
  });

  it('counts a suite that could not be loaded, also beside tests that failed', () => {
    expect(summaryOf({ tests: { ...passing, testResults: [suite('failed')] }, testsStatus: 1 })).toEqual(['8 passed, 1 failed, 2 skipped', 1]);
    const tests = { ...passing, numFailedTests: 1, testResults: [suite('failed', 'failed'), suite('failed'), suite('failed')] };
    expect(summaryOf({ tests, testsStatus: 1 })).toEqual(['8 passed, 3 failed, 2 skipped', 1]);
  });

  it('counts a suite whose preparation failed, so that its tests were skipped', () => {
    expect(summaryOf({ tests: { ...passing, testResults: [suite('failed', 'skipped')] }, testsStatus: 1 })).toEqual(['8 passed, 1 failed, 2 skipped', 1]);
  });

  it('counts a run that ended badly without saying why', () => {
    expect(summaryOf({ tests: passing, testsStatus: 1 })).toEqual(['8 passed, 1 failed, 2 skipped', 1]);
    expect(summaryOf({ testsStatus: 1 })).toEqual(['3 passed, 1 failed, 0 skipped', 1]);
  });

  it('counts tests that left no report', () => {
    expect(summaryOf({ testsStatus: 0 })).toEqual(['3 passed, 1 failed, 0 skipped', 1]);
  });
});
