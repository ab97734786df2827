// Prints the closing line of CI: node scripts/ci-summary.mjs TESTS_JSON TESTS_STATUS CHECKS_JSON BENCH_STATUS
import { readFileSync } from 'node:fs';

const [testsFile, testsStatus, checksFile, benchStatus] = process.argv.slice(2);
const tests = read(testsFile);
const checks = read(checksFile) ?? { passed: 0, failed: ['checks did not run'] };
const benchFailed = benchStatus === '0' ? 0 : 1;
const testsFailed = (tests?.numFailedTests ?? 0) + brokenSuites(tests?.testResults ?? []);
// Tests that left no report, or ended badly for a reason that is not in it, have failed once.
const unexplained = tests === undefined || (testsStatus !== '0' && testsFailed === 0) ? 1 : 0;
const failed = testsFailed + unexplained + checks.failed.length + benchFailed;
const passed = (tests?.numPassedTests ?? 0) + checks.passed + (1 - benchFailed);
const skipped = (tests?.numPendingTests ?? 0) + (tests?.numTodoTests ?? 0);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);

/** Suites that could not be loaded or prepared: they failed, and none of their tests did. */
function brokenSuites(suites) {
  return suites.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed')).length;
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
