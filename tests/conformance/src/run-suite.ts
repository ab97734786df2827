import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { startFixtureServer } from './server.ts';

/** One run of the official suite. */
export interface SuiteRun {
  readonly name: string;
  readonly side: 'server' | 'client';
  /** The frozen set of a revision; without it, the active suite of the older release. */
  readonly requirements?: '2025-11-25' | '2026-07-28';
}

/** Everything CI runs: both frozen sets on both sides, and the release of the 2025 revisions. */
export const suiteRuns: readonly SuiteRun[] = [
  { name: 'server, revision 2025-11-25', side: 'server', requirements: '2025-11-25' },
  { name: 'server, revision 2026-07-28', side: 'server', requirements: '2026-07-28' },
  { name: 'server, release 0.1.16', side: 'server' },
  { name: 'client, revision 2025-11-25', side: 'client', requirements: '2025-11-25' },
  { name: 'client, revision 2026-07-28', side: 'client', requirements: '2026-07-28' },
];

/** What came of it. `required` counts scenarios, `checks` their assertions. */
export interface SuiteOutcome {
  /** Every required scenario passed, and the others fail exactly where `expected-failures.json` says. */
  readonly ok: boolean;
  /** What differs from the expected failures, in words. */
  readonly surprises: readonly string[];
  readonly required: { readonly passed: number; readonly failed: number };
  readonly checks: { readonly passed: number; readonly failed: number };
  readonly seconds: number;
  readonly output: string;
}

const resolver = createRequire(import.meta.url);
/** Unscored scenarios that fail, and why that is so for now. */
const expectedFailures = JSON.parse(readFileSync(new URL('../expected-failures.json', import.meta.url), 'utf8')) as Record<
  string,
  Partial<Record<string, string[]>>
>;
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Runs it; the suite itself decides what passes, and fails on a stale expected failure. */
export async function runSuite({ side, requirements }: SuiteRun): Promise<SuiteOutcome> {
  const started = performance.now();
  await using server = side === 'server' ? await startFixtureServer() : undefined;
  const suite = requirements === undefined ? '@modelcontextprotocol/conformance-2025' : '@modelcontextprotocol/conformance';
  const program = resolver.resolve(`${suite}/dist/index.js`);
  const target = server === undefined ? ['--command', `"${process.execPath}" "${here('client.ts')}"`] : ['--url', server.url];
  const set = requirements === undefined ? [] : ['--requirements', requirements];
  const { code, output } = await run(process.execPath, [program, side, ...target, ...set]);
  const { required, checks, unscored } = read(output);
  const surprises = requirements === undefined ? [] : compare(unscored, expectedFailures[requirements]?.[side] ?? []);
  const ok = code === 0 && required.failed === 0 && surprises.length === 0;
  return { ok, surprises, required, checks, seconds: Math.round((performance.now() - started) / 100) / 10, output };
}

/** An unscored scenario may fail only where that is expected; an expectation that no longer holds is stale. */
function compare(unscored: ReadonlyMap<string, boolean>, expected: readonly string[]): string[] {
  const failing = [...unscored].filter(([name, passed]) => !passed && !expected.includes(name)).map(([name]) => `${name} fails and is not expected to`);
  const stale = expected
    .filter((name) => unscored.get(name) !== false)
    .map((name) => `${name} is expected to fail and does not: take it out of expected-failures.json`);
  return [...failing, ...stale];
}

function run(command: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** Reads the suite's summary. What stands below "Not scored" is not required. */
function read(output: string): Pick<SuiteOutcome, 'required' | 'checks'> & { readonly unscored: ReadonlyMap<string, boolean> } {
  const summary = output.slice(output.lastIndexOf('SUMMARY ==='));
  const unscored = new Map([...summary.matchAll(/^ {2}([✓✗]) (\S+) \(/gm)].map(([, mark, name]) => [name ?? '', mark === '✓']));
  const required = { passed: 0, failed: 0 };
  const checks = { passed: 0, failed: 0 };
  for (const [, mark, name, passed, failed] of summary.matchAll(/^([✓✗]) (\S+): (\d+) passed, (\d+) failed/gm)) {
    if (unscored.has(name ?? '')) continue;
    required[mark === '✓' ? 'passed' : 'failed'] += 1;
    checks.passed += Number(passed);
    checks.failed += Number(failed);
  }
  return { required, checks, unscored };
}
