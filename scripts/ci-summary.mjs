// Prints the closing line of CI: node scripts/ci-summary.mjs TESTS_JSON TESTS_STATUS CHECKS_JSON BENCH_STATUS
import { readFileSync } from 'node:fs';

const [testsFile, testsStatus, checksFile, benchStatus] = process.argv.slice(2);
const tests = read(testsFile) ?? {};
const checks = read(checksFile) ?? { passed: 0, failed: ['checks did not run'] };
const benchFailed = benchStatus === '0' ? 0 : 1;
let failed = (tests.numFailedTests ?? 0) + checks.failed.length + benchFailed;
// A suite that could not even be loaded has no failed test of its own.
if (testsStatus !== '0' && (tests.numFailedTests ?? 0) === 0) failed += Math.max(1, tests.numFailedTestSuites ?? 0);
const passed = (tests.numPassedTests ?? 0) + checks.passed + (1 - benchFailed);
const skipped = (tests.numPendingTests ?? 0) + (tests.numTodoTests ?? 0);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
